package dev.llmproxy.tool;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Causes;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.http.LiveBody;
import dev.llmproxy.tool.ToolResult.Status;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.ProducerTemplate;
import org.apache.hc.core5.http.ContentType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs tools. A failed call gives a result that the model can act on, never an exception. The route
 * of a tool may set two properties: {@code toolSummary}, one line for people, and {@code
 * toolSources}, search results.
 */
public final class ToolRunner {
  /** The tool's name; the tools of MCP servers share one route. */
  static final String TOOL = "tool";

  /** The arguments as JSON. */
  static final String ARGUMENTS = "arguments";

  static final String SUMMARY = "toolSummary";

  /** A list of {@link SearchResult}. */
  static final String SOURCES = "toolSources";

  private static final Logger LOG = LoggerFactory.getLogger(ToolRunner.class);
  private static final int MOST_AT_ONCE = 16;
  private static final int MOST_BYTES = 16 << 20;

  /** Media types that are text. */
  private static final Pattern TEXTS =
      Pattern.compile(
          "(?i)text/.*|application/(.*\\+)?(json|xml|yaml)|application/(x-)?(ndjson|javascript|yaml|jsonl|sql|x-www-form-urlencoded)|image/svg\\+xml");

  private static final String AS_JSON =
      "The tool's result cannot be written as JSON. This is a fault of the tool.";

  private final ToolCatalogue catalogue;
  private final Duration timeout;
  private final int mostCharacters;
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("tool-", 0).factory());

  /**
   * @param timeout time limit for one call
   * @param mostCharacters limit for a result, 1 or more; a longer result is cut, with a mark
   */
  public ToolRunner(ToolCatalogue catalogue, Duration timeout, int mostCharacters) {
    this.catalogue = catalogue;
    this.timeout = timeout;
    this.mostCharacters = mostCharacters;
  }

  /**
   * Starts calls at the same time, each with the same time limit.
   *
   * @param offered names of the tools that may be called; a model may ask for others
   * @param tooOften those of the calls that are not run, because the client allows no more
   */
  public ToolRun start(List<ToolCall> calls, Set<String> offered, Set<ToolCall> tooOften) {
    return new ToolRun(this, threads, timeout, MOST_AT_ONCE, calls, offered, tooOften);
  }

  ToolResult tooOften(ToolCall call, long start) {
    return ToolResult.of(
        call,
        Status.TOO_OFTEN,
        "The user allows no more calls of %s. Go on without it.".formatted(call.name()),
        since(start));
  }

  ToolResult tooMany(ToolCall call, int most, long start) {
    return failed(
        call,
        "No more than %d tools are run at once, and this one was not. Ask for it again if it is still needed."
            .formatted(most),
        start);
  }

  ToolResult tooSlow(ToolCall call, long start) {
    LOG.warn("The tool {} was stopped after {} seconds", call.name(), timeout.toSeconds());
    return failed(
        call,
        "The tool gave no answer within %d seconds and was ended. Ask it for less, or go on without it."
            .formatted(timeout.toSeconds()),
        start);
  }

  /** Runs one call. A failure gives a result too. */
  ToolResult run(ToolCall call, Set<String> offered, long start) {
    try {
      return result(call, offered, start);
    } catch (Throwable e) {
      // Errors too, as Camel does within a route: a tool must not end its chat.
      LOG.warn("The tool {} failed", call.name(), e);
      return failed(call, message(e), start);
    }
  }

  private ToolResult result(ToolCall call, Set<String> offered, long start) throws Exception {
    Optional<Tool> tool =
        offered.contains(call.name()) ? catalogue.find(call.name()) : Optional.empty();
    if (tool.isEmpty()) {
      return failed(
          call,
          "There is no tool named %s. There are: %s."
              .formatted(call.name(), offered.stream().sorted().collect(Collectors.joining(", "))),
          start);
    }
    if (!(call.json() instanceof ObjectNode object)) {
      return failed(call, noObject(call.arguments()) + ". " + again(tool.get()), start);
    }
    List<String> problems = tool.get().problems(object);
    if (!problems.isEmpty()) {
      return failed(
          call,
          "The arguments do not fit: %s. %s"
              .formatted(String.join("; ", problems), again(tool.get())),
          start);
    }
    return run(call, tool.get(), object, start);
  }

  private ToolResult run(ToolCall call, Tool tool, ObjectNode arguments, long start)
      throws Exception {
    Endpoint endpoint = catalogue.endpoint(tool);
    try (ProducerTemplate producer = endpoint.getCamelContext().createProducerTemplate()) {
      Exchange exchange = endpoint.createExchange();
      exchange.setProperty(TOOL, tool.name());
      exchange.setProperty(ARGUMENTS, Json.text(arguments));
      exchange.getMessage().setBody(Json.map(arguments));
      producer.send(endpoint, exchange);
      Exception failure = exchange.getException();
      if (failure != null) {
        // The message may contain what the user asked.
        LOG.info("The tool {} failed: {}", call.name(), kinds(failure));
        return failed(call, message(failure), start);
      }
      String content = capped(content(exchange.getMessage()));
      String summary = exchange.getProperty(SUMMARY, content, String.class);
      return new ToolResult(
          call.id(),
          call.name(),
          Status.COMPLETED,
          summary,
          content,
          sources(exchange.getProperty(SOURCES)),
          since(start));
    }
  }

  private static List<SearchResult> sources(Object property) {
    return property instanceof List<?> found
        ? found.stream()
            .filter(SearchResult.class::isInstance)
            .map(SearchResult.class::cast)
            .toList()
        : List.of();
  }

  private String content(Message message) throws IOException {
    return switch (message.getBody()) {
      case null -> "The tool gave no result.";
      case String text -> text;
      case byte[] bytes -> text(bytes, message);
      case InputStream stream -> text(read(stream), message);
      case Object body -> {
        try {
          yield Json.text(Json.tree(body));
        } catch (IllegalArgumentException e) {
          LOG.warn("A tool's result of the type {} cannot be written as JSON", body.getClass(), e);
          throw new ToolException(AS_JSON);
        }
      }
    };
  }

  /** Reads only what the model can get: the limit in characters, at four bytes each. */
  private byte[] read(InputStream stream) throws IOException {
    byte[] bytes;
    try (stream) {
      bytes = stream.readNBytes(Math.min(mostCharacters, MOST_BYTES / 4) * 4 + 1);
      LiveBody.abort(stream);
    }
    return bytes;
  }

  /** A server's answer decoded with its charset, or a sentence about binary data. */
  private static String text(byte[] bytes, Message message) {
    ContentType type =
        ContentType.parseLenient(message.getHeader(Exchange.CONTENT_TYPE, String.class));
    Charset charset =
        type == null || type.getCharset() == null ? StandardCharsets.UTF_8 : type.getCharset();
    String text = new String(bytes, charset);
    String name = type == null || type.getMimeType() == null ? "" : type.getMimeType();
    if (TEXTS.matcher(name).matches() || (name.isEmpty() && text.indexOf('\uFFFD') < 0)) {
      return text;
    }
    return "The tool gave %d bytes%s, which are no text."
        .formatted(bytes.length, name.isEmpty() ? "" : " of the type " + name);
  }

  private String capped(String content) {
    return ShownText.cut(
        content,
        mostCharacters,
        "\n[cut: these are the first %d of %d characters]"
            .formatted(mostCharacters, content.length()));
  }

  private ToolResult failed(ToolCall call, String why, long start) {
    return ToolResult.of(call, Status.FAILED, capped(why), since(start));
  }

  private static String noObject(String arguments) {
    try {
      Json.parse(arguments);
      return "The arguments are no JSON object";
    } catch (JsonProcessingException e) {
      return "The arguments are no JSON: " + e.getOriginalMessage();
    }
  }

  private static String again(Tool tool) {
    return "Call it again with arguments that fit this JSON schema: "
        + Json.text(tool.parameters());
  }

  /** The message of a ToolException. Other messages may contain secrets: only their class. */
  private static String message(Throwable failure) {
    return Causes.find(failure, ToolException.class)
        .map(ToolException::getMessage)
        .orElseGet(() ->
            "The tool failed (%s). Try other arguments, or go on without it."
                .formatted(failure.getClass().getSimpleName()));
  }

  /** The class names of a failure and its causes. */
  private static String kinds(Throwable failure) {
    return Causes.of(failure).stream()
        .map(cause -> cause.getClass().getName())
        .collect(Collectors.joining(" < "));
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }
}
