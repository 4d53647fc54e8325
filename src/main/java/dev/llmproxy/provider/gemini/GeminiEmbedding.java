package dev.llmproxy.provider.gemini;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.embedding.EmbeddingCall;
import dev.llmproxy.embedding.VectorJson;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.LiveBody;
import dev.llmproxy.provider.CountedInput;
import dev.llmproxy.provider.CountedParser;
import dev.llmproxy.provider.DroppedFields;
import dev.llmproxy.provider.LimitedInput;
import dev.llmproxy.provider.ProviderHttp;
import dev.llmproxy.provider.Refusal;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;

/**
 * The wire format {@code gemini} for embeddings: creates the provider's requests, of at most 100
 * inputs each, and reads their answers.
 */
public final class GeminiEmbedding {
  /** The exchange property with the list so far, which is OpenAI's list of embeddings. */
  private static final String LIST = "geminiEmbeddings";

  private static final int MOST_INPUTS = 100;
  private static final int MEMORY_OF_BYTE = 3;
  private static final Set<String> READ = Set.of("model", "input", "dimensions", "encoding_format");

  private final long mostBytes;

  /**
   * @param mostBytes the most bytes of one answer
   */
  public GeminiEmbedding(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /** Begins the list. */
  public void begin(Exchange exchange) {
    ObjectNode list = Json.object().put("object", "list");
    list.putArray("data");
    exchange.setProperty(LIST, list);
  }

  /** Whether there are inputs that have not been sent. */
  public boolean asks(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    return done(exchange) < context.callAs(EmbeddingCall.class).request().inputs().size();
  }

  /**
   * Sets the message for the provider: the next inputs.
   *
   * @throws dev.llmproxy.error.ApiException 400 for an input of token numbers
   */
  public void prepare(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    EmbeddingCall call = context.callAs(EmbeddingCall.class);
    int from = done(exchange);
    ObjectNode request = Json.object();
    ArrayNode requests = request.putArray("requests");
    for (JsonNode input : next(call, from)) {
      if (!input.isTextual()) {
        throw OpenAiErrors.invalidType(
                "input", "a string or an array of strings: this provider takes no tokens")
            .asException();
      }
      ObjectNode each = requests.addObject().put("model", GeminiPath.model(call.target()));
      // One content for each input: the parts of one content get one vector together.
      each.putObject("content").putArray("parts").addObject().set("text", input);
      if (call.request().body().path("dimensions").isInt()) {
        each.set("outputDimensionality", call.request().body().get("dimensions"));
      }
    }
    Set<String> dropped = new TreeSet<>();
    call.request().body().properties().stream()
        .filter(field -> !READ.contains(field.getKey()) && !field.getValue().isNull())
        .forEach(field -> dropped.add(field.getKey()));
    DroppedFields.name(context, dropped);
    ProviderHttp.request(
        exchange,
        call.target().provider(),
        GeminiPath.of(call.target(), "batchEmbedContents"),
        "application/json",
        request);
  }

  /**
   * Adds the vectors of an answer and returns the list so far. Google reports no usage, so it is
   * estimated.
   *
   * @throws dev.llmproxy.error.ApiException when the answer is an error or does not have one vector
   *     for each input
   */
  public ObjectNode receive(
      @Body InputStream body,
      @Header(Exchange.HTTP_RESPONSE_CODE) int status,
      @Header("Retry-After") String retryAfter,
      @Header("Location") String location,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange)
      throws IOException {
    EmbeddingCall call = context.callAs(EmbeddingCall.class);
    Provider provider = call.target().provider();
    Refusal refusal =
        ProviderHttp.refusal(exchange, provider, status, retryAfter, location, body, "input");
    if (refusal != null) {
      throw GeminiErrors.of(provider, refusal).asException();
    }
    int from = done(exchange);
    ObjectNode list = exchange.getProperty(LIST, ObjectNode.class);
    ArrayNode data = (ArrayNode) list.get("data");
    try {
      read(body, call, data);
    } catch (JsonProcessingException e) {
      throw wrong(provider).asException();
    }
    if (data.size() - from != next(call, from).size()) {
      throw OpenAiErrors.upstream(
              "The provider `%s` answered %d inputs with %d embeddings."
                  .formatted(provider.name(), next(call, from).size(), data.size() - from))
          .asException();
    }
    return list;
  }

  private static List<JsonNode> next(EmbeddingCall call, int from) {
    List<JsonNode> inputs = call.request().inputs();
    return inputs.subList(from, Math.min(inputs.size(), from + MOST_INPUTS));
  }

  private static int done(Exchange exchange) {
    return exchange.getProperty(LIST, ObjectNode.class).path("data").size();
  }

  private void read(InputStream body, EmbeddingCall call, ArrayNode data) throws IOException {
    boolean whole = false;
    try {
      InputStream limited = LimitedInput.answer(body, mostBytes);
      JsonParser digits = Json.parser(new CountedInput(limited, call.memory(), MEMORY_OF_BYTE));
      JsonParser parser = new CountedParser(digits, call.memory());
      boolean base64 = call.request().base64();
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        boolean vector = token == JsonToken.START_ARRAY && "values".equals(parser.currentName());
        if (vector) {
          ObjectNode one = data.addObject().put("object", "embedding");
          one.put("index", data.size() - 1).set("embedding", VectorJson.read(digits, base64));
        }
      }
      whole = true;
    } finally {
      if (!whole) {
        LiveBody.abort(body);
      }
    }
  }

  private static dev.llmproxy.error.ApiError wrong(Provider provider) {
    return OpenAiErrors.upstream(
        "The provider `%s` answered with something that is no list of embeddings."
            .formatted(provider.name()));
  }
}
