package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/**
 * SearXNG, Brave, Tavily and Wikipedia on loopback, each in its own format. By default an engine
 * finds one page with the engine and the query in its title. Brave and Tavily require their key.
 * The name of Wikipedia's page is the query.
 */
public final class ScriptedSearch implements AutoCloseable {
  /** The key for Brave and Tavily. */
  public static final String KEY = "search-secret";

  /** An engine's reaction to a query. */
  public enum Behaviour {
    FINDS,
    FINDS_NOTHING,
    FAILS,
    ANSWERS_HTML,
    HANGS,
    NEVER_ENDS
  }

  private final HttpServer server;
  private final Map<String, Behaviour> behaviours = new ConcurrentHashMap<>();
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private final CountDownLatch closed = new CountDownLatch(1);

  private ScriptedSearch() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/searxng/search", exchange -> serve("searxng", exchange));
    server.createContext("/brave/res/v1/web/search", exchange -> serve("brave", exchange));
    server.createContext("/tavily/search", exchange -> serve("tavily", exchange));
    server.createContext(
        "/wikipedia/w/rest.php/v1/search/page", exchange -> serve("wikipedia", exchange));
    server.start();
  }

  public static ScriptedSearch start() {
    try {
      return new ScriptedSearch();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Prints the settings and an empty line; runs until the process ends. */
  public static void main(String[] arguments) throws Exception {
    start().settings().forEach((name, value) -> System.out.println("export " + name + "=" + value));
    System.out.println();
    new CountDownLatch(1).await();
  }

  /** The settings that make llmproxy use these engines. */
  public Map<String, String> settings() {
    return Map.of(
        "SEARXNG_URL", baseUrl("searxng"),
        "BRAVE_API_KEY", KEY,
        "BRAVE_BASE_URL", baseUrl("brave"),
        "TAVILY_API_KEY", KEY,
        "TAVILY_BASE_URL", baseUrl("tavily"),
        "WIKIPEDIA_BASE_URL", baseUrl("wikipedia"));
  }

  public String baseUrl(String engine) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/" + engine;
  }

  public void make(String engine, Behaviour behaviour) {
    behaviours.put(engine, behaviour);
  }

  /** The engines in the order of their queries. */
  public List<String> asked() {
    return List.copyOf(asked);
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
  }

  private void serve(String engine, HttpExchange exchange) throws IOException {
    asked.add(engine);
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    switch (behaviours.getOrDefault(engine, Behaviour.FINDS)) {
      case FINDS -> {
        if (allowed(engine, exchange)) {
          answer(exchange, 200, found(engine, question(engine, exchange, body)));
        } else {
          answer(exchange, 401, "{}");
        }
      }
      case FINDS_NOTHING -> answer(exchange, 200, "{}");
      case FAILS -> answer(exchange, 503, "{}");
      case ANSWERS_HTML -> answer(exchange, 200, "<html>Are you a robot?</html>");
      case HANGS -> hang();
      case NEVER_ENDS -> answerWithoutEnd(exchange);
    }
  }

  private static void answerWithoutEnd(HttpExchange exchange) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    byte[] spaces = " ".repeat(1 << 16).getBytes(StandardCharsets.UTF_8);
    while (true) {
      exchange.getResponseBody().write(spaces);
    }
  }

  private void hang() throws IOException {
    try {
      closed.await();
    } catch (InterruptedException e) {
      throw new InterruptedIOException();
    }
  }

  private static boolean allowed(String engine, HttpExchange exchange) {
    var headers = exchange.getRequestHeaders();
    return switch (engine) {
      case "brave" -> KEY.equals(headers.getFirst("X-Subscription-Token"));
      case "tavily" -> ("Bearer " + KEY).equals(headers.getFirst("Authorization"));
      case "wikipedia" -> headers.getFirst("User-Agent").startsWith("llmproxy");
      default -> exchange.getRequestURI().getRawQuery().contains("format=json");
    };
  }

  private static String question(String engine, HttpExchange exchange, String body)
      throws IOException {
    if (engine.equals("tavily")) {
      return Json.parse(body).path("query").asText();
    }
    for (String parameter : exchange.getRequestURI().getRawQuery().split("&", -1)) {
      if (parameter.startsWith("q=")) {
        return URLDecoder.decode(parameter.substring(2), StandardCharsets.UTF_8);
      }
    }
    return "";
  }

  private static String found(String engine, String question) {
    ObjectNode answer = Json.object();
    String title = "<b>" + engine + "</b> on " + question;
    String snippet = "<span class=\"searchmatch\">" + question + "</span> &amp; more";
    switch (engine) {
      case "brave" ->
          page(answer.putObject("web").putArray("results"), title, "description", snippet);
      case "wikipedia" ->
          answer
              .putArray("pages")
              .addObject()
              .put("key", question.replace(' ', '_'))
              .put("title", title)
              .put("excerpt", snippet);
      default -> page(answer.putArray("results"), title, "content", snippet);
    }
    return Json.text(answer);
  }

  private static void page(ArrayNode list, String title, String field, String snippet) {
    list.addObject()
        .put("title", title)
        .put("url", "https://example.com/found")
        .put(field, snippet);
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    try (exchange) {
      exchange.getResponseBody().write(bytes);
    }
  }
}
