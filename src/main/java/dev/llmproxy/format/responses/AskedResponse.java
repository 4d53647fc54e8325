package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.KeepsPrompt;

/** What the answer needs of a request in the Responses format, and the answer so far. */
final class AskedResponse implements KeepsPrompt {
  private static final String REASONING = "reasoning";

  private final String id;
  private final ObjectNode body;
  private final ArrayNode input;
  private final OfferedTools tools;
  private volatile boolean keeps;
  private volatile ResponseWriter writer;
  private volatile NativeResponse ofProvider;

  /**
   * @param id of the response
   * @param body the client's request; never changed
   * @param input the items of this request alone
   * @param tools the tools, by the names of their functions
   * @param keeps whether the response is remembered
   */
  AskedResponse(String id, ObjectNode body, ArrayNode input, OfferedTools tools, boolean keeps) {
    this.id = id;
    this.body = body;
    this.input = input;
    this.tools = tools;
    this.keeps = keeps;
  }

  /** The id of the response. */
  String id() {
    return id;
  }

  /** The client's request; never changed. */
  ObjectNode body() {
    return body;
  }

  /** The items of this request alone. */
  ArrayNode input() {
    return input;
  }

  /** The tools, by the names of their functions. */
  OfferedTools tools() {
    return tools;
  }

  /** Whether the response is remembered. */
  boolean keeps() {
    return keeps;
  }

  @Override
  public void forgetPrompt() {
    keeps = false;
  }

  /** The writer of the answer; null before its first event. */
  ResponseWriter writer() {
    return writer;
  }

  void setWriter(ResponseWriter begun) {
    writer = begun;
  }

  /** The answer of a provider that speaks the Responses format; null before its first event. */
  NativeResponse ofProvider() {
    return ofProvider;
  }

  void setOfProvider(NativeResponse begun) {
    ofProvider = begun;
  }

  /** The model as asked. */
  String model() {
    return body.path("model").asText();
  }

  /** The id of the response before, or null. */
  String previous() {
    return body.path("previous_response_id").textValue();
  }

  /** Whether the client gets the model's thoughts as a summary. */
  boolean showsThoughts() {
    return body.path(REASONING).hasNonNull("summary")
        || body.path(REASONING).hasNonNull("generate_summary");
  }

  /** Whether the client gets the model's thoughts sealed. */
  boolean sealsThoughts() {
    return includes("reasoning.encrypted_content");
  }

  /** Whether the client gets log probabilities. */
  boolean wantsLogprobs() {
    return includes("message.output_text.logprobs") || body.path("top_logprobs").asInt() > 0;
  }

  /** Whether a search names its sources. */
  boolean wantsSources() {
    return includes("web_search_call.action.sources");
  }

  private boolean includes(String what) {
    for (JsonNode each : body.path("include")) {
      if (each.asText().equals(what)) {
        return true;
      }
    }
    return false;
  }
}
