package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.emulator.ScriptedLists;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The providers' own lists of models. */
class LiveModelsRouteTest {
  private final ScriptedLists lists = ScriptedLists.start();

  @TempDir private Path folder;
  private Path home;

  @BeforeEach
  void copyHome() throws IOException {
    home = OwnHome.copyTo(folder.resolve("home"));
  }

  @AfterEach
  void stop() {
    lists.close();
  }

  @Wire("2.live")
  @Test
  void modelsOfEveryFormOfListAppearWithWhatTheListSays() {
    lists.answer(
        "/groq/models",
        "{\"data\":[{\"id\":\"new-model\",\"context_window\":4096},{\"id\":\"whisper-9\"}]}");
    lists.answer(
        "/anthropic/v1/models?limit=1000",
        """
        {"data": [{"id": "claude-new", "display_name": "Claude New", "max_input_tokens": 1000, "max_tokens": 100,
          "capabilities": {"image_input": {"supported": true}, "structured_outputs": {"supported": false},
            "thinking": {"supported": true}}}], "has_more": true, "last_id": "claude-new"}
        """);
    lists.answer(
        "/anthropic/v1/models?limit=1000&after_id=claude-new",
        "{\"data\":[{\"id\":\"claude-second\"}],\"has_more\":false}");
    lists.answer(
        "/gemini/models?pageSize=1000",
        """
        {"models": [
          {"name": "models/gemini-new", "inputTokenLimit": 7, "supportedGenerationMethods": ["generateContent"]},
          {"name": "models/embed-new", "supportedGenerationMethods": ["embedContent"]},
          {"name": "models/picture-new", "supportedGenerationMethods": ["predict"]}]}
        """);
    lists.answer(
        "/api/tags",
        """
        {"models": [{"name": "llama3.2:latest", "details": {"family": "llama"}},
          {"name": "nomic:latest", "details": {"family": "nomic-bert"}}]}
        """);
    Map<String, String> settings = settings();
    settings.put("GROQ_BASE_URL", lists.url("/groq"));
    settings.put("GROQ_API_KEY", "k");
    settings.put("ANTHROPIC_BASE_URL", lists.url("/anthropic/v1"));
    settings.put("ANTHROPIC_API_KEY", "k");
    settings.put("GEMINI_BASE_URL", lists.url("/gemini"));
    settings.put("GEMINI_API_KEY", "k");
    settings.put("OLLAMA_BASE_URL", lists.url(""));
    try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), settings)) {
      String key = gateway.createKey("live@example.com");
      awaitListed(gateway, key, "groq/new-model", true);
      awaitListed(gateway, key, "anthropic/claude-second", true);
      awaitListed(gateway, key, "gemini/gemini-new", true);
      awaitListed(gateway, key, "ollama/llama3.2:latest", true);

      JsonNode claude = model(gateway, key, "anthropic/claude-new");
      assertThat(claude.path("label").asText()).isEqualTo("Claude New");
      assertThat(claude.path("context_length").asInt()).isEqualTo(1000);
      assertThat(claude.path("abilities").toString())
          .isEqualTo("[\"chat\",\"tools\",\"vision\",\"reasoning\"]");
      assertThat(model(gateway, key, "groq/new-model").path("context_length").asInt())
          .isEqualTo(4096);
      assertThat(model(gateway, key, "gemini/embed-new").path("abilities").toString())
          .isEqualTo("[\"embeddings\"]");
      assertThat(model(gateway, key, "ollama/nomic:latest").path("abilities").toString())
          .isEqualTo("[\"embeddings\"]");
      // The list says that it draws pictures; the file hides the other one.
      assertThat(ids(gateway, key)).doesNotContain("gemini/picture-new", "groq/whisper-9");
      // The file's models stay, and what the file says about them wins.
      assertThat(ids(gateway, key)).contains("groq/llama-3.3-70b-versatile");
      assertThat(lists.asked()).contains("/groq/models Bearer k");
    }
  }

  @Wire("2.live")
  @Test
  void modelThatTheProviderNoLongerListsDisappearsAndABareNameFollows() {
    lists.answer("/models", "{\"data\":[{\"id\":\"first\"}]}");
    Map<String, String> settings = settings();
    settings.put("COMPATIBLE_BASE_URL", lists.url(""));
    try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), settings)) {
      String key = gateway.createKey("live@example.com");
      awaitListed(gateway, key, "compatible/first", true);
      assertThat(gateway.get("/v1/models/first", key).statusCode()).isEqualTo(200);

      lists.answer("/models", "{\"data\":[{\"id\":\"second\"}]}");

      awaitListed(gateway, key, "compatible/second", true);
      assertThat(ids(gateway, key)).doesNotContain("compatible/first");
      assertThat(gateway.get("/v1/models/first", key).statusCode()).isEqualTo(404);
      assertThat(gateway.get("/v1/models/second", key).statusCode()).isEqualTo(200);
    }
  }

  @Wire("2.live")
  @Test
  void listOutlivesAnOutageAndARestartDuringIt() throws IOException {
    lists.answer("/v1/models", "{\"data\":[{\"id\":\"known\",\"max_model_len\":5}]}");
    Path data = folder.resolve("data");
    Map<String, String> settings = settings();
    settings.put("VLLM_BASE_URL", lists.url(""));
    try (Gateway gateway = Gateway.startAt(home, data, settings)) {
      String key = gateway.createKey("live@example.com");
      awaitListed(gateway, key, "vllm/known", true);
      Awaitility.await().until(() -> Files.exists(data.resolve("models.json")));
      lists.fail("/v1/models", 503);
      int before = lists.asked().size();
      Awaitility.await().until(() -> lists.asked().size() > before + 1);
      assertThat(ids(gateway, key)).contains("vllm/known");

      gateway.stop();
      gateway.start();

      assertThat(model(gateway, key, "vllm/known").path("context_length").asInt()).isEqualTo(5);

      gateway.stop();
      Files.writeString(data.resolve("models.json"), "{damaged");
      gateway.start();

      assertThat(ids(gateway, key)).doesNotContain("vllm/known");
      lists.answer("/v1/models", "{\"data\":[{\"id\":\"known\"}]}");
      awaitListed(gateway, key, "vllm/known", true);
    }
  }

  @Test
  void providerThatHangsDelaysNeitherTheStartNorTheOthers() {
    lists.hang("/slow/models");
    lists.answer("/fast/models", "{\"data\":[{\"id\":\"quick\"}]}");
    Map<String, String> settings = settings();
    settings.put("COMPATIBLE_BASE_URL", lists.url("/slow"));
    settings.put("LLAMACPP_BASE_URL", lists.url("/fast"));
    try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), settings)) {
      String key = gateway.createKey("live@example.com");
      awaitListed(gateway, key, "llamacpp/quick", true);
      assertThat(lists.asked()).contains("/slow/models");
    }
  }

  @Test
  void fileSaysWhichModelsAreListed() throws IOException {
    lists.answer(
        "/models", "{\"data\":[{\"id\":\"both\"},{\"id\":\"theirs\"},{\"id\":\"secret-1\"}]}");
    String models =
        """
        format: openai
        baseUrl: "{{X_URL}}"
        models:
          - {id: both, label: Label of the file, contextLength: 3, abilities: [chat]}
          - {id: ours}
        hide: secret-*
        """;
    for (String listed : List.of("live", "file", "both")) {
      Files.writeString(
          home.resolve("providers/x-" + listed + ".yaml"), models + "listed: " + listed + "\n");
    }
    Map<String, String> settings = settings();
    settings.put("X_URL", lists.url(""));
    List.of("LIVE", "FILE", "BOTH").forEach(name -> settings.put("X_" + name + "_API_KEY", "k"));
    try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), settings)) {
      String key = gateway.createKey("live@example.com");
      awaitListed(gateway, key, "x-live/theirs", true);
      awaitListed(gateway, key, "x-both/theirs", true);

      assertThat(ids(gateway, key))
          .contains("x-live/both", "x-file/both", "x-file/ours", "x-both/both", "x-both/ours")
          .doesNotContain("x-live/ours", "x-file/theirs", "x-live/secret-1", "x-both/secret-1");
      assertThat(model(gateway, key, "x-live/both").path("label").asText())
          .isEqualTo("Label of the file");
      assertThat(model(gateway, key, "x-both/both").path("context_length").asInt()).isEqualTo(3);
    }
  }

  @Wire("2.found")
  @Test
  void ollamaOnThisMachineIsOnByItselfAndTakesNoNameFromAnotherProvider() throws IOException {
    Path file = home.resolve("providers/ollama.yaml");
    Files.writeString(
        file, Files.readString(file).replace("http://127.0.0.1:11434", lists.url("")));
    lists.answer("/models", "{\"data\":[{\"id\":\"shared\"}]}");
    lists.answer(
        "/api/tags",
        "{\"models\":[{\"name\":\"shared\",\"details\":{}},{\"name\":\"own\",\"details\":{}}]}");
    Map<String, String> settings = settings();
    settings.put("FIND_LOCAL_PROVIDERS", "on");
    settings.put("COMPATIBLE_BASE_URL", lists.url(""));
    try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), settings)) {
      String key = gateway.createKey("live@example.com");
      awaitListed(gateway, key, "ollama/own", true);
      awaitListed(gateway, key, "compatible/shared", true);

      assertThat(Gateway.json(gateway.get("/v1/models/shared", key)).path("alias_of").asText())
          .isEqualTo("compatible/shared");
      assertThat(Gateway.json(gateway.get("/v1/models/own", key)).path("alias_of").asText())
          .isEqualTo("ollama/own");

      lists.fail("/api/tags", 500);

      awaitListed(gateway, key, "ollama/own", false);
    }
  }

  @Wire("2.live")
  @Test
  void frontEndThatOffersTheListedModelsCanChatWithEachOfThem() {
    Map<String, String> settings = settings();
    settings.put("MODEL_ALIASES", "fast -> openai/scripted");
    try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), settings)) {
      String key = gateway.createKey("live@example.com");
      awaitListed(gateway, key, "openai/scripted-reasoning", true);

      int chats = 0;
      for (JsonNode each : list(gateway, key)) {
        assertThat(each.path("object").asText()).isEqualTo("model");
        assertThat(each.path("owned_by").asText()).isNotEmpty();
        String id = each.path("id").asText();
        // The other presets of the emulator fail on purpose or are slow.
        if (List.of("fast", "openai/scripted", "openai/scripted-reasoning", "openai/gpt-4o-mini")
            .contains(id)) {
          HttpResponse<String> answer = gateway.chat(key, id, true, "Hello");
          assertThat(answer.statusCode()).as(id).isEqualTo(200);
          assertThat(answer.body()).as(id).contains("[DONE]");
          chats++;
        }
      }
      assertThat(chats).isEqualTo(4);
    }
  }

  private static Map<String, String> settings() {
    Map<String, String> settings = new HashMap<>();
    settings.put("LIVE_MODELS", "on");
    settings.put("FIND_LOCAL_PROVIDERS", "off");
    settings.put("MODELS_REFRESH_SECONDS", "1");
    return settings;
  }

  private static void awaitListed(Gateway gateway, String key, String id, boolean listed) {
    Awaitility.await().until(() -> ids(gateway, key).contains(id) == listed);
  }

  private static List<String> ids(Gateway gateway, String key) {
    return list(gateway, key).valueStream().map(model -> model.path("id").asText()).toList();
  }

  private static JsonNode list(Gateway gateway, String key) {
    return Gateway.json(gateway.get("/v1/models", key)).path("data");
  }

  private static JsonNode model(Gateway gateway, String key, String id) {
    return Gateway.json(gateway.get("/v1/models/" + id, key));
  }
}
