package dev.llmproxy.provider.anthropic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.emulator.MessagesRules;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.provider.anthropic.MessagesRequest.Part;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class MessagesRequestTest {
  private static final String FOLDER = "anthropic/requests";

  static List<String> cases() {
    return Fixtures.cases(FOLDER, ".json").stream()
        .filter(name -> !name.endsWith(".sent"))
        .toList();
  }

  /** The golden file has the request and the fields that it leaves out. */
  @ParameterizedTest
  @MethodSource("cases")
  void requestMatchesTheGoldenFileAndAnthropicTakesIt(String name) {
    ChatCall chat = Chats.of(Fixtures.bytes(FOLDER + "/" + name + ".json"));
    MessagesRequest request = new MessagesRequest(chat, Set.of(), new ToolMemory());
    ObjectNode seen = Json.object();
    seen.set("request", request.body());
    request.dropped().forEach(seen.putArray("dropped")::add);
    Fixtures.check(FOLDER + "/" + name + ".sent.json", seen);
    MessagesRules.check(request.body());
    assertThat(chat.request().body()).isEqualTo(Fixtures.json(FOLDER + "/" + name + ".json"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'n':2,'messages':[{'role':'user','content':'a'}] | n",
        "'messages':[{'role':'user','content':''}] | messages",
        "'messages':[{'role':'user','content':[{'type':'input_audio','input_audio':{'data':'AA==','format':'wav'}}]}] | messages[0].content[0].type",
        "'messages':[{'role':'user','content':[{'type':'file','file':{'file_id':'file-1'}}]}] | messages[0].content[0].file.file_id",
        "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'data:image/tiff;base64,AA=='}}]}] | messages[0].content[0].image_url.url",
        "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'data:image/png;base64,%%'}}]}] | messages[0].content[0].image_url.url",
        "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'file:///etc/passwd'}}]}] | messages[0].content[0].image_url.url",
        "'messages':[{'role':'user','content':[{'type':'video_url'}]}] | messages[0].content[0].type",
      })
  void whatWouldGetAWrongAnswerIsRefused(String fields, String param) {
    String request = "{'model':'anthropic/claude-haiku-4-5'," + fields + "}";
    ChatCall chat = Chats.of(request.replace('\'', '"'));
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> new MessagesRequest(chat, Set.of(), new ToolMemory()))
        .satisfies(e -> {
          assertThat(e.error().status()).isEqualTo(400);
          assertThat(e.error().param()).isEqualTo(param);
        });
  }

  @Test
  void aRememberedTurnComesBackAsTheModelWroteIt() throws Exception {
    ToolMemory memory = new ToolMemory();
    ChatCall chat = loop("claude-opus-5");
    ArrayNode turn =
        (ArrayNode)
            Json.parse(
                """
                [{"type": "thinking", "thinking": "", "signature": "golden-1"},
                 {"type": "text", "text": "I look."},
                 {"type": "thinking", "thinking": "Rome.", "signature": "golden-2"},
                 {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}}]
                """);
    memory.keepTurn(chat, Json.array().add("toolu_1"), turn);

    MessagesRequest request = new MessagesRequest(chat, Set.of(), memory);
    assertThat(request.body().at("/messages/1/content")).isEqualTo(turn);
    MessagesRules.check(request.body());

    // Anthropic has refused the thoughts, or the chat goes on with another model.
    for (JsonNode without :
        List.of(
            new MessagesRequest(chat, Set.of(Part.THOUGHTS), memory).body(),
            new MessagesRequest(loop("claude-fable-5"), Set.of(), memory).body())) {
      assertThat(without.at("/messages/1/content"))
          .isEqualTo(
              Json.parse(
                  """
                  [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}}]
                  """));
    }
  }

  private static ChatCall loop(String model) {
    return Chats.of(
        """
        {"model": "anthropic/%s", "messages": [
          {"role": "user", "content": "Weather?"},
          {"role": "assistant", "content": null, "tool_calls": [
            {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": "{\\"city\\": \\"Rome\\"}"}}]},
          {"role": "tool", "tool_call_id": "toolu_1", "content": "rain"}],
         "tools": [{"type": "function", "function": {"name": "weather"}}]}
        """
            .formatted(model));
  }
}
