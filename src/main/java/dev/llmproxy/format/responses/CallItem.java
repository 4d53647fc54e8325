package dev.llmproxy.format.responses;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.format.responses.OfferedTools.Kind;

/** A call of a tool of the client: of a function, or of a custom tool with one text as input. */
final class CallItem implements OpenItem {
  private static final String ARGUMENTS = "arguments";

  private final ResponseOutput output;
  private final boolean custom;
  private final ObjectNode item;
  private final StringBuilder arguments = new StringBuilder();

  /**
   * @param callId the provider's id of the call
   */
  CallItem(ResponseOutput output, OfferedTools.Named tool, String callId) {
    this.output = output;
    custom = tool.kind() == Kind.CUSTOM;
    item = custom ? output.item("ctc", "custom_tool_call") : output.item("fc", "function_call");
    item.put("status", ResponseOutput.IN_PROGRESS)
        .put("call_id", callId)
        .put("name", tool.name())
        .put(custom ? OfferedTools.INPUT : ARGUMENTS, "");
    if (tool.namespace() != null) {
      item.put("namespace", tool.namespace());
    }
    output.added(item);
  }

  @Override
  public void text(String piece) {
    arguments.append(piece);
    // The input of a custom tool is inside JSON, which is whole only at the end.
    if (output.streams() && !custom && !piece.isEmpty()) {
      output.send(output.event("response.function_call_arguments.delta", item).put("delta", piece));
    }
  }

  @Override
  public void end(String status) {
    item.put("status", status);
    if (custom) {
      endCustom();
    } else {
      endFunction();
    }
    output.done(item);
  }

  private void endFunction() {
    String whole = arguments.isEmpty() ? "{}" : arguments.toString();
    item.put(ARGUMENTS, whole);
    if (output.streams()) {
      if (arguments.isEmpty()) {
        output.send(
            output.event("response.function_call_arguments.delta", item).put("delta", whole));
      }
      ObjectNode event = output.event("response.function_call_arguments.done", item);
      event.set("name", item.get("name"));
      output.send(event.put(ARGUMENTS, whole));
    }
  }

  private void endCustom() {
    String input = input(arguments.toString());
    item.put(OfferedTools.INPUT, input);
    if (output.streams()) {
      output.send(output.event("response.custom_tool_call_input.delta", item).put("delta", input));
      output.send(
          output
              .event("response.custom_tool_call_input.done", item)
              .put(OfferedTools.INPUT, input));
    }
  }

  /** The text in the arguments of a custom tool's function; the arguments when it has none. */
  private static String input(String arguments) {
    try {
      JsonNode json = Json.parse(arguments);
      if (json.path(OfferedTools.INPUT).isTextual()) {
        return json.get(OfferedTools.INPUT).textValue();
      }
      return json.isTextual() ? json.textValue() : arguments;
    } catch (JsonProcessingException e) {
      return arguments;
    }
  }
}
