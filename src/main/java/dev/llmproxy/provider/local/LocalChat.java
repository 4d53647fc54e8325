package dev.llmproxy.provider.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ProviderSettings;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.local.ChatMessage;
import dev.llmproxy.local.LocalModel;
import dev.llmproxy.local.LocalModelBusyException;
import dev.llmproxy.local.LocalModelContextException;
import dev.llmproxy.local.SamplingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The wire format {@code local} for chats: runs OpenAI's request on the model in this process. The
 * first request loads the model.
 */
public final class LocalChat implements AutoCloseable {
  private static final Set<String> INSTRUCTING = Set.of("system", "developer");
  private static final Logger LOG = LoggerFactory.getLogger(LocalChat.class);

  /** Temperature 0: a small model gives its best answers so, and the same answer each time. */
  private static final double DEFAULT_TEMPERATURE = 0;

  /** What the weights take in the heap while they are loaded and for one answer. */
  private static final long HEAP_BYTES = 200L << 20;

  private final ProviderSettings settings;
  private final ReentrantLock loading = new ReentrantLock();
  private LocalModel model;
  private boolean closed;

  /**
   * Loads nothing yet. Without the file {@code LOCAL_MODEL_FILE} the server runs without a local
   * model, and the log says so.
   */
  public LocalChat(ProviderSettings settings) {
    this.settings = settings;
    if (settings.localModel() && !Files.isRegularFile(settings.localModelFile())) {
      LOG.warn(
          "There is no local model: the file {} is missing. Run scripts/fetch-model to fetch it.",
          settings.localModelFile());
    }
  }

  /**
   * Starts an answer. The first request loads the model, which takes about a second.
   *
   * @throws ApiException 400 for an unsupported option, 429 when too many requests wait, 503
   *     without the weights or the memory for them
   */
  public ChatEvents generate(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ChatCall chat = context.callAs(ChatCall.class);
    ObjectNode request = chat.turns().body();
    refuse(request, "tools", "this model cannot call tools");
    refuse(request, "functions", "this model cannot call functions");
    if (request.path("n").asInt(1) > 1) {
      throw OpenAiErrors.invalidValue("n", "this model gives one answer.").asException();
    }
    if (!request.path("response_format").path("type").asText("text").equals("text")) {
      throw OpenAiErrors.invalidValue("response_format", "this model gives text only.")
          .asException();
    }
    try {
      return new LocalChatEvents(
          chat, loaded().generate(messages(request.path("messages")), sampling(request)));
    } catch (LocalModelContextException e) {
      throw OpenAiErrors.contextLengthExceeded(e.contextLength(), e.promptTokens()).asException();
    } catch (LocalModelBusyException e) {
      throw OpenAiErrors.busy("The local model has too many requests waiting. Try again shortly.")
          .asException();
    }
  }

  /**
   * Counts the tokens of a chat's prompt with the model's tokenizer. The first call loads the
   * model.
   *
   * @param chat a request in OpenAI's chat format
   * @return empty when the model cannot be used, or reads no such message
   */
  public OptionalLong count(ObjectNode chat) {
    try {
      return OptionalLong.of(loaded().promptTokens(messages(chat.path("messages"))));
    } catch (ApiException | IllegalStateException e) {
      LOG.debug("The local model does not count a prompt", e);
      return OptionalLong.empty();
    }
  }

  /** Ends running answers and frees the model's memory. */
  @Override
  public void close() {
    loading.lock();
    try {
      closed = true;
      if (model != null) {
        model.close();
        model = null;
      }
    } finally {
      loading.unlock();
    }
  }

  private LocalModel loaded() {
    loading.lock();
    try {
      if (model == null) {
        model = load();
      }
      return model;
    } catch (IOException e) {
      throw OpenAiErrors.unavailable("The local model cannot be used: " + e.getMessage())
          .asException();
    } finally {
      loading.unlock();
    }
  }

  private LocalModel load() throws IOException {
    if (closed) {
      throw new IOException("The server stops.");
    }
    if (!settings.localModel()) {
      throw new IOException("LOCAL_MODEL is off.");
    }
    // The process ends when its memory is used up.
    if (Runtime.getRuntime().maxMemory() < HEAP_BYTES) {
      throw new IOException(
          "It needs a heap of %d MB or more (JAVA_OPTS=-Xmx…).".formatted(HEAP_BYTES >> 20));
    }
    LocalModel loaded = LocalModel.load(settings.localModelFile());
    LOG.info("The local model is ready: local/{}", loaded.id());
    return loaded;
  }

  private static void refuse(ObjectNode request, String name, String why) {
    if (request.path(name).isArray() && !request.path(name).isEmpty()) {
      throw OpenAiErrors.invalidValue(name, why + ".").asException();
    }
  }

  /** Puts all instructions first: the model answers the last message, whoever has written it. */
  private static List<ChatMessage> messages(JsonNode messages) {
    List<ChatMessage> texts = new ArrayList<>();
    List<String> instructions = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      String role = messages.get(i).get("role").textValue();
      String text = text(messages.get(i).path("content"), "messages[" + i + "].content");
      if (INSTRUCTING.contains(role)) {
        instructions.add(text);
      } else {
        texts.add(new ChatMessage(role, text));
      }
    }
    if (!instructions.isEmpty()) {
      texts.addFirst(new ChatMessage("system", String.join("\n\n", instructions)));
    }
    return texts;
  }

  private static String text(JsonNode content, String path) {
    if (!content.isArray()) {
      return content.asText("");
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode part : content) {
      if (!part.path("text").isTextual()) {
        throw OpenAiErrors.invalidValue(path, "this model reads text only.").asException();
      }
      text.append(part.get("text").textValue());
    }
    return text.toString();
  }

  private static SamplingOptions sampling(ObjectNode request) {
    SamplingOptions defaults = SamplingOptions.defaults();
    JsonNode maxTokens =
        request.hasNonNull("max_completion_tokens")
            ? request.get("max_completion_tokens")
            : request.path("max_tokens");
    List<String> stops = new ArrayList<>();
    JsonNode stop = request.path("stop");
    (stop.isArray() ? stop : Json.array().add(stop)).forEach(text -> stops.add(text.asText("")));
    stops.removeIf(String::isEmpty);
    double topP = request.path("top_p").asDouble(defaults.topP());
    return new SamplingOptions(
        request.path("temperature").asDouble(DEFAULT_TEMPERATURE),
        topP > 0 ? topP : Double.MIN_NORMAL,
        request.path("seed").isNumber() ? Long.valueOf(request.get("seed").longValue()) : null,
        maxTokens.asInt(defaults.maxTokens()),
        stops);
  }
}
