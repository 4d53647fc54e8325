package dev.llmproxy.prompt;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Settings.SettingException;
import dev.llmproxy.call.ModelRequest;
import dev.llmproxy.call.RequestBody;
import dev.llmproxy.catalogue.ModelAlias;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.camel.ExchangeProperty;

/**
 * Puts the prompt of an alias before the messages of a chat. The files of {@code prompts/} are read
 * once, at the start. Immutable.
 */
public final class Prompts {
  /** The field of a request with the variables: OpenAI's reference to a prompt. */
  public static final String FIELD = "prompt";

  private static final String FOLDER = "prompts";
  private static final String SUFFIX = ".yaml";
  private static final String VARIABLES = "variables";

  private final ProviderCatalogue providers;
  private final Map<String, PromptFile> files;

  /**
   * Reads all files.
   *
   * @throws SettingException when a file is wrong, or an alias has a prompt without a file
   */
  public Prompts(Settings settings, ProviderCatalogue providers) {
    this.providers = providers;
    files = read(settings.home().resolve(FOLDER));
    for (ModelAlias alias : providers.aliases()) {
      String prompt = alias.targets().prompt();
      if (prompt != null && !files.containsKey(prompt)) {
        throw new SettingException(
            "providers/routing.yaml: the alias `%s` has the prompt `%s`, and there is no file %s/%s%s"
                .formatted(alias.name(), prompt, FOLDER, prompt, SUFFIX));
      }
    }
  }

  private static Map<String, PromptFile> read(Path folder) {
    Map<String, PromptFile> files = new TreeMap<>();
    if (!Files.isDirectory(folder)) {
      return files;
    }
    try (Stream<Path> paths = Files.list(folder)) {
      for (Path path : paths.sorted().toList()) {
        String name = String.valueOf(path.getFileName());
        if (name.endsWith(SUFFIX)) {
          files.put(
              name.substring(0, name.length() - SUFFIX.length()),
              PromptFile.read(path, FOLDER + "/" + name));
        }
      }
    } catch (IOException e) {
      throw new SettingException("cannot read the folder " + folder + ": " + e.getMessage());
    }
    return files;
  }

  /** Whether there are prompts. */
  public boolean on() {
    return !files.isEmpty();
  }

  /**
   * The request with the prompt of its model's name.
   *
   * @return the same request when the name has no prompt
   * @throws ApiException 400 that names a wrong or missing variable, or the version
   */
  public ModelRequest apply(@ExchangeProperty("request") ModelRequest request) {
    String prompt = providers.promptOf(request.model());
    if (prompt == null) {
      return request;
    }
    if (!(request instanceof ChatRequest)) {
      throw OpenAiErrors.invalidValue(
              "model",
              "`%s` has a prompt, which is for chats, responses and messages."
                  .formatted(request.model()))
          .asException();
    }
    RequestBody asked = new RequestBody(request.body()).object(FIELD);
    PromptFile file = version(prompt, asked.json().path("version"));
    Map<String, Object> values = values(file, asked.object(VARIABLES));
    ArrayNode messages = Json.array();
    for (PromptFile.Message message : file.messages()) {
      messages
          .addObject()
          .put("role", message.role())
          .put("content", message.text().execute(values));
    }
    ObjectNode body = request.copy();
    body.remove(FIELD);
    body.set("messages", messages.addAll((ArrayNode) request.body().get("messages")));
    return request.of(body);
  }

  private PromptFile version(String prompt, JsonNode version) {
    PromptFile current = files.get(prompt);
    String asked = version.asText("");
    if (version.isMissingNode() || version.isNull() || asked.equals(current.version())) {
      return current;
    }
    PromptFile other = version.isTextual() ? files.get(prompt + "@" + asked) : null;
    if (other == null) {
      throw OpenAiErrors.invalidValue(FIELD + ".version", "the prompt has no such version.")
          .asException();
    }
    return other;
  }

  private static Map<String, Object> values(PromptFile file, RequestBody given) {
    for (String name : (Iterable<String>) given.json()::fieldNames) {
      if (!file.variables().containsKey(name)) {
        throw OpenAiErrors.unknownParameter(
                given.path() + name,
                "The variables of the prompt are: %s."
                    .formatted(String.join(", ", file.variables().keySet())))
            .asException();
      }
    }
    Map<String, Object> values = new HashMap<>();
    file.variables()
        .forEach((name, standard) -> {
          JsonNode value = given.json().path(name);
          if (!value.isMissingNode() && !value.isNull()) {
            values.put(name, value(value, given.path() + name));
          } else if (standard == null) {
            throw OpenAiErrors.missing(given.path() + name).asException();
          } else {
            values.put(name, standard);
          }
        });
    return values;
  }

  /** A text, number or boolean, or OpenAI's object of the type input_text. */
  private static Object value(JsonNode value, String path) {
    if (value.isBoolean()) {
      return value.booleanValue();
    }
    if (value.isValueNode()) {
      return value.asText();
    }
    if (value.path("type").asText("").equals("input_text") && value.path("text").isTextual()) {
      return value.path("text").textValue();
    }
    throw OpenAiErrors.invalidType(path, "a string, a number or a boolean").asException();
  }

  /** The names of all prompts, with their versions, sorted. */
  public List<String> names() {
    return List.copyOf(files.keySet());
  }
}
