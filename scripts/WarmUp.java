import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipFile;

/**
 * Starts a server with a scripted provider on this machine, sends it requests of several kinds, and stops it. Java records the
 * classes and methods that it uses meanwhile. scripts/archive-classes runs it: java WarmUp.java FOLDER LAUNCHER JAR. The server's
 * home is FOLDER/home, with the default settings of the jar.
 */
final class WarmUp {
  private static final int CLIENTS = 8;
  /** Requests of each client. With fewer, the archive has the classes but hardly any profiles of methods. */
  private static final int ROUNDS =
      Integer.parseInt(System.getenv().getOrDefault("WARM_UP_ROUNDS", "2500"));
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static String url;
  private static String key;

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    try (ZipFile jar = new ZipFile(arguments[2]);
        InputStream settings = jar.getInputStream(jar.getEntry("dev/llmproxy/settings/application.properties"))) {
      Files.copy(settings, folder.resolve("home/application.properties"));
    }
    HttpServer provider = provider();
    ProcessBuilder builder = new ProcessBuilder(arguments[1], "start", "--first-key");
    builder.environment().putAll(
        Map.of(
            "LLMPROXY_DATA", folder.resolve("data").toString(),
            "HOST", "127.0.0.1",
            "PORT", "0",
            "LOCAL_MODEL", "on",
            "LOCAL_MODEL_FILE", folder.resolve("none.gguf").toString(),
            "RATE_LIMIT_FREE", "1000000",
            "USAGE_FLUSH_SECONDS", "1",
            "OPENAI_API_KEY", "none",
            "OPENAI_BASE_URL", "http://127.0.0.1:" + provider.getAddress().getPort() + "/v1"));
    Process server = builder.redirectError(folder.resolve("server.log").toFile()).start();
    try {
      readAddressAndKey(server.inputReader(StandardCharsets.UTF_8));
      send("GET", "/models", "");
      send("POST", "/embeddings", "{\"model\":\"local/all-minilm-l6-v2\",\"input\":\"Hello\"}");
      send("POST", "/chat/completions", chat(false, ",\"tools\":[{\"type\":\"web_search\"}]"));
      try (var clients = Executors.newFixedThreadPool(CLIENTS)) {
        var all = java.util.stream.Stream.<Future<?>>generate(() -> clients.submit(WarmUp::chats))
            .limit(CLIENTS).toList();
        for (Future<?> one : all) {
          one.get();
        }
      }
      TimeUnit.SECONDS.sleep(2); // a flush
    } finally {
      server.destroy();
      server.waitFor();
      provider.stop(0);
    }
  }

  private static void readAddressAndKey(BufferedReader said) throws Exception {
    for (String line; key == null && (line = said.readLine()) != null; ) {
      if (line.startsWith("llmproxy is ready: ")) {
        url = line.substring(line.indexOf("http"));
      } else if (line.strip().startsWith("sk-")) {
        key = line.strip();
      }
    }
    if (key == null) {
      throw new IllegalStateException("The server has not started.");
    }
    Thread.ofPlatform().daemon().start(() -> said.lines().forEach(line -> {}));
  }

  private static Void chats() throws Exception {
    for (int i = 0; i < ROUNDS; i++) {
      send("POST", "/chat/completions", chat(i % 2 == 0, ""));
    }
    return null;
  }

  private static String chat(boolean stream, String more) {
    return "{\"model\":\"openai/gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"What is the capital of France?\"}],\"stream\":"
        + stream + more + "}";
  }

  private static void send(String method, String path, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + path))
            .header("Authorization", "Bearer " + key)
            .header("Content-Type", "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<String> answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      System.err.println(method + " " + path + ": " + answer.statusCode() + " " + answer.body());
    }
  }

  private static HttpServer provider() throws Exception {
    HttpServer provider = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    provider.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    provider.createContext("/v1/chat/completions", exchange -> {
      String asked = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      boolean stream = asked.contains("\"stream\":true");
      exchange.getResponseHeaders().set("Content-Type", stream ? "text/event-stream" : "application/json");
      exchange.sendResponseHeaders(200, 0);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write((stream ? stream() : whole()).getBytes(StandardCharsets.UTF_8));
      }
    });
    provider.start();
    return provider;
  }

  private static String stream() {
    StringBuilder events = new StringBuilder(event("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
    for (int i = 0; i < 20; i++) {
      events.append(event("{\"content\":\"word \"}", "null"));
    }
    return events.append(event("{}", "\"stop\"")).append("data: [DONE]\n\n").toString();
  }

  private static String event(String delta, String finish) {
    return "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":"
        + delta + ",\"finish_reason\":" + finish + "}]}\n\n";
  }

  private static String whole() {
    return "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Paris.\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}";
  }
}
