package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What Gemini's generateContent refuses, in its words where they are known. It also refuses unknown
 * fields.
 */
public final class GenerateRules {
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.:-]{0,127}");
  private static final Pattern SIGNS = Pattern.compile("gemini-[3-9].*");
  private static final Pattern NO_MINIMAL = Pattern.compile("gemini-(3\\.[78]-flash|4-argon).*");
  private static final Set<String> PART =
      Set.of("text", "inlineData", "functionCall", "functionResponse", "thoughtSignature");
  private static final Set<String> CONFIG =
      Set.of(
          "temperature",
          "topP",
          "topK",
          "stopSequences",
          "seed",
          "candidateCount",
          "maxOutputTokens",
          "presencePenalty",
          "frequencyPenalty",
          "responseMimeType",
          "responseJsonSchema",
          "thinkingConfig");

  private final JsonNode request;
  private final String model;

  private GenerateRules(JsonNode request, String model) {
    this.request = request;
    this.model = model;
  }

  /**
   * Checks a request.
   *
   * @throws IllegalArgumentException with the words of the refusal
   */
  public static void check(JsonNode request, String model) {
    new GenerateRules(request, model).check();
  }

  /** The signature of the first call of a step. */
  static String signature(String model, String name, String arguments) {
    String signed = "signed:" + model + ":" + name + ":" + arguments;
    return Base64.getEncoder().encodeToString(signed.getBytes(StandardCharsets.UTF_8));
  }

  private void check() {
    keys(
        request,
        Set.of(
            "contents",
            "systemInstruction",
            "tools",
            "toolConfig",
            "generationConfig",
            "safetySettings"),
        "");
    require(!request.path("contents").isEmpty(), "contents is not specified");
    if (request.has("systemInstruction")) {
      keys(request.get("systemInstruction"), Set.of("parts"), "system_instruction");
      request.path("systemInstruction").path("parts").forEach(this::part);
    }
    checkTools();
    checkConfig();
    checkContents();
  }

  private void checkTools() {
    Set<String> names = new HashSet<>();
    require(request.path("tools").size() <= 1, "tools: more than one element");
    for (JsonNode tool : request.path("tools")) {
      keys(tool, Set.of("functionDeclarations"), "tools[0]");
      require(!tool.path("functionDeclarations").isEmpty(), "tools[0].tool_type: required");
      for (JsonNode declaration : tool.path("functionDeclarations")) {
        keys(declaration, Set.of("name", "description", "parametersJsonSchema"), "declaration");
        String name = declaration.path("name").asText();
        require(NAME.matcher(name).matches(), "Invalid function name: " + name);
        require(names.add(name), "Duplicate function declaration found: " + name);
        require(
            !declaration.has("parametersJsonSchema")
                || !declaration.path("parametersJsonSchema").path("properties").isEmpty(),
            "parameters.properties: should be non-empty for OBJECT type");
      }
    }
    JsonNode config = request.path("toolConfig").path("functionCallingConfig");
    if (config.isMissingNode()) {
      return;
    }
    keys(config, Set.of("mode", "allowedFunctionNames"), "function_calling_config");
    String mode = config.path("mode").asText();
    require(Set.of("AUTO", "ANY", "NONE", "VALIDATED").contains(mode), "mode: " + mode);
    require(
        !config.has("allowedFunctionNames") || Set.of("ANY", "VALIDATED").contains(mode),
        "allowed_function_names should only be set when the mode is ANY or VALIDATED");
    for (JsonNode name : config.path("allowedFunctionNames")) {
      require(names.contains(name.asText()), "allowed_function_names: unknown " + name);
    }
  }

  private void checkConfig() {
    JsonNode config = request.path("generationConfig");
    keys(config, CONFIG, "generation_config");
    require(config.path("stopSequences").size() <= 5, "stop_sequences: at most 5");
    require(
        !config.has("responseJsonSchema")
            || config.path("responseMimeType").asText().equals("application/json"),
        "response_json_schema needs the response_mime_type application/json");
    require(
        !config.has("responseMimeType") || !request.has("tools") || SIGNS.matcher(model).matches(),
        "Function calling with a response mime type: 'application/json' is unsupported");
    JsonNode thinking = config.path("thinkingConfig");
    keys(thinking, Set.of("thinkingBudget", "thinkingLevel", "includeThoughts"), "thinking_config");
    require(
        !thinking.has("thinkingBudget") || !thinking.has("thinkingLevel"),
        "You can only set only one of thinking budget and thinking level.");
    if (thinking.has("thinkingLevel")) {
      require(SIGNS.matcher(model).matches(), "Thinking level is not supported for this model.");
      String level = thinking.get("thinkingLevel").asText();
      require(Set.of("MINIMAL", "LOW", "MEDIUM", "HIGH").contains(level), "thinking_level");
      require(
          !level.equals("MINIMAL") || !NO_MINIMAL.matcher(model).matches(),
          "Thinking level MINIMAL is not supported for this model.");
    }
    if (thinking.has("thinkingBudget")) {
      int budget = thinking.get("thinkingBudget").asInt();
      require(model.startsWith("gemini-2.5"), "Thinking budget is not supported for this model.");
      int least = model.startsWith("gemini-2.5-pro") ? 128 : 0;
      require(budget >= least && budget <= 32_768, "The thinking budget is out of range.");
    }
  }

  private void checkContents() {
    List<String> open = new ArrayList<>();
    String before = "";
    JsonNode contents = request.get("contents");
    for (JsonNode content : contents) {
      keys(content, Set.of("role", "parts"), "content");
      String role = content.path("role").asText();
      require(Set.of("user", "model").contains(role), "Please use a valid role: user, model.");
      require(!role.equals("model") || !before.equals("model"), "two contents of the model");
      require(!content.path("parts").isEmpty(), "contents.parts must not be empty.");
      List<String> answered = new ArrayList<>();
      List<String> called = new ArrayList<>();
      for (JsonNode part : content.path("parts")) {
        part(part);
        if (part.has("functionResponse")) {
          require(role.equals("user"), "functionResponse in a content of the model");
          answered.add(part.path("functionResponse").path("name").asText());
        }
        if (part.has("functionCall")) {
          require(role.equals("model"), "functionCall in a content of the user");
          require(
              before.equals("user"),
              "Please ensure that function call turn comes immediately after a user turn.");
          called.add(part.path("functionCall").path("name").asText());
        }
      }
      require(
          answered.equals(open),
          "Please ensure that the number of function response parts is equal to the number of"
              + " function call parts of the function call turn.");
      require(
          answered.isEmpty() || answered.size() == content.path("parts").size(),
          "function responses and other parts in one content");
      open = called;
      before = role;
    }
    require(open.isEmpty(), "function calls without responses");
    require(before.equals("user"), "the last content must be of the user");
    if (SIGNS.matcher(model).matches()) {
      checkSignatures(contents);
    }
  }

  /** In the current turn, the first call of each step needs its signature. */
  private void checkSignatures(JsonNode contents) {
    int from = 0;
    for (int i = 0; i < contents.size(); i++) {
      boolean text = contents.get(i).path("parts").path(0).has("text");
      from = contents.get(i).path("role").asText().equals("user") && text ? i : from;
    }
    for (int i = from; i < contents.size(); i++) {
      for (JsonNode part : contents.get(i).path("parts")) {
        if (part.has("functionCall")) {
          require(
              part.has("thoughtSignature"),
              "Function call is missing a thought_signature in functionCall parts.");
          break;
        }
      }
    }
    for (JsonNode part : contents.findParents("functionCall")) {
      String signature = part.path("thoughtSignature").asText("");
      String expected =
          signature(
              model,
              part.path("functionCall").path("name").asText(),
              part.path("functionCall").path("args").toString());
      require(
          signature.isEmpty()
              || signature.equals("skip_thought_signature_validator")
              || signature.startsWith("golden-")
              || signature.equals(expected),
          "Corrupted thought signature.");
    }
  }

  private void part(JsonNode part) {
    keys(part, PART, "part");
    require(
        !part.has("text") || !part.get("text").asText().isEmpty() || part.has("thoughtSignature"),
        "Unable to submit request because it must have a text parameter");
    if (part.has("inlineData")) {
      data(part.get("inlineData"));
    }
    if (part.has("functionCall")) {
      JsonNode call = part.get("functionCall");
      keys(call, Set.of("id", "name", "args"), "function_call");
      require(call.path("args").isObject(), "function_call.args: Starting an object");
      require(NAME.matcher(call.path("name").asText()).matches(), "function_call.name");
    }
    if (part.has("functionResponse")) {
      JsonNode response = part.get("functionResponse");
      keys(response, Set.of("id", "name", "response", "parts"), "function_response");
      require(response.path("response").isObject(), "function_response.response: an object");
      require(
          !response.has("parts") || SIGNS.matcher(model).matches(),
          "function_response.parts is not supported for this model");
      response.path("parts").forEach(each -> data(each.path("inlineData")));
    }
  }

  private static void data(JsonNode data) {
    keys(data, Set.of("mimeType", "data"), "inline_data");
    require(!data.path("mimeType").asText().isEmpty(), "inline_data.mime_type");
    require(Base64.getDecoder().decode(data.path("data").asText()).length > 0, "inline_data.data");
  }

  private static void keys(JsonNode object, Set<String> known, String at) {
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      require(
          known.contains(field.getKey()),
          "Invalid JSON payload received. Unknown name \"%s\" at '%s': Cannot find field."
              .formatted(field.getKey(), at));
      require(!field.getValue().isNull(), at + "." + field.getKey() + ": null");
    }
  }

  private static void require(boolean holds, String refusal) {
    if (!holds) {
      throw new IllegalArgumentException(refusal);
    }
  }
}
