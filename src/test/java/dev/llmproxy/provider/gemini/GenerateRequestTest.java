package dev.llmproxy.provider.gemini;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.emulator.GenerateRules;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.tool.PageFetcher;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class GenerateRequestTest {
  private static final String FOLDER = "gemini/requests";
  private static final PageFetcher PAGES = new PageFetcher(Set.of(443));

  static List<String> cases() {
    return Fixtures.cases(FOLDER, ".json").stream()
        .filter(name -> !name.endsWith(".sent"))
        .toList();
  }

  /** The golden file has the request and the fields that it leaves out. */
  @ParameterizedTest
  @MethodSource("cases")
  void requestMatchesTheGoldenFileAndGeminiTakesIt(String name) {
    ChatCall chat = Chats.of(Fixtures.bytes(FOLDER + "/" + name + ".json"));
    GenerateRequest request = new GenerateRequest(chat, false, new ToolMemory(), PAGES);
    ObjectNode seen = Json.object();
    seen.set("request", request.body());
    request.dropped().forEach(seen.putArray("dropped")::add);
    Fixtures.check(FOLDER + "/" + name + ".sent.json", seen);
    GenerateRules.check(request.body(), chat.target().upstreamModel());
    assertThat(chat.request().body()).isEqualTo(Fixtures.json(FOLDER + "/" + name + ".json"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'messages':[{'role':'user','content':''}] | messages",
        "'messages':[{'role':'user','content':[{'type':'file','file':{'file_id':'file-1'}}]}] | messages[0].content[0].file.file_id",
        "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'https://127.0.0.1/a.png'}}]}] | messages[0].content[0]",
        "'messages':[{'role':'user','content':[{'type':'video_url'}]}] | messages[0].content[0].type",
      })
  void whatWouldGetAWrongAnswerIsRefused(String fields, String param) {
    String request = "{'model':'gemini/gemini-2.5-flash'," + fields + "}";
    ChatCall chat =
        Chats.of(request.replace('\'', '"').getBytes(java.nio.charset.StandardCharsets.UTF_8));
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> new GenerateRequest(chat, false, new ToolMemory(), PAGES))
        .satisfies(e -> {
          assertThat(e.error().status()).isEqualTo(400);
          assertThat(e.error().param()).isEqualTo(param);
        });
  }

  @Test
  void aRememberedTurnComesBackAsTheModelWroteIt() throws Exception {
    ToolMemory memory = new ToolMemory();
    ChatCall chat = Chats.of(Fixtures.bytes(FOLDER + "/signature-that-is-not-known.json"));
    ArrayNode turn =
        (ArrayNode)
            Json.parse(
                """
                [{"text": "I look.", "thoughtSignature": "golden-1"},
                 {"functionCall": {"name": "weather", "args": {"city": "Oslo"}, "id": "call_3"}, "thoughtSignature": "golden-2"}]
                """);
    memory.keepTurn(chat, Json.array().add("call_3"), turn);

    GenerateRequest request = new GenerateRequest(chat, false, memory, PAGES);
    assertThat(request.body().at("/contents/3/parts")).isEqualTo(turn);
    GenerateRules.check(request.body(), "gemini-3.6-flash");

    GenerateRequest without = new GenerateRequest(chat, true, memory, PAGES);
    assertThat(without.body().at("/contents/3/parts").findValuesAsText("thoughtSignature"))
        .containsExactly("skip_thought_signature_validator");
  }
}
