package dev.llmproxy.guard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.GuardSettings;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.ShownText;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * The steps of the route {@code guard-judge} before and after its call of a model. The verdict has
 * the form of Llama Guard: {@code safe}, or {@code unsafe} and the categories in the next line.
 *
 * @see <a
 *     href="https://github.com/meta-llama/PurpleLlama/blob/main/Llama-Guard3/8B/MODEL_CARD.md">Llama
 *     Guard 3</a>
 */
public final class GuardJudge {
  private static final int MOST_TOKENS = 100;
  private static final int MOST_CHARACTERS = 200;

  /**
   * @throws Settings.SettingException when a setting of the judge is missing
   */
  public GuardJudge(GuardSettings settings) {
    require("GUARD_JUDGE_MODEL", settings.judgeModel());
    require("GUARD_JUDGE_KEY", settings.judgeKey());
    require("GUARD_JUDGE_URL", settings.judgeUrl());
  }

  private static void require(String name, Optional<String> value) {
    if (value.isEmpty()) {
      throw new Settings.SettingException(
          name + " is not set; the guard guard-judge needs it (OPTIONAL_ROUTES)");
    }
  }

  /**
   * The chat request for the judge. The content is quoted as JSON, so that its words are not taken
   * for those of the instructions.
   *
   * @param instructions what the judge has to do
   * @param model the judge
   */
  public byte[] request(
      @ExchangeProperty("instructions") String instructions,
      @ExchangeProperty("judge") String model,
      @ExchangeProperty("place") String place,
      @ExchangeProperty("texts") GuardTexts texts) {
    ArrayNode content = Json.array();
    texts
        .list()
        .forEach(text -> content.addObject().put("role", text.role()).put("text", text.text()));
    ObjectNode body =
        Json.object().put("model", model).put("temperature", 0).put("max_tokens", MOST_TOKENS);
    ArrayNode messages = body.putArray("messages");
    messages.addObject().put("role", "system").put("content", instructions);
    messages
        .addObject()
        .put("role", "user")
        .put("content", "The %s, as JSON:\n%s".formatted(place, Json.text(content)));
    return Json.bytes(body);
  }

  /**
   * Reads the verdict, and refuses the content if it is unsafe.
   *
   * @throws IllegalStateException when the answer is no verdict; the guard has failed then
   */
  public void verdict(@Body String answer, Exchange exchange) throws JsonProcessingException {
    JsonNode message = Json.parse(answer).path("choices").path(0).path("message");
    List<String> lines = message.path("content").asText("").strip().lines().toList();
    String first = lines.isEmpty() ? "" : lines.getFirst().strip().toLowerCase(Locale.ROOT);
    switch (first.replaceAll("[.,:!]$", "")) {
      case "safe" -> {}
      case "unsafe" ->
          exchange.setProperty(
              "refuse",
              lines.size() > 1
                  ? "The content is not allowed here: %s."
                      .formatted(ShownText.oneLine(lines.get(1).strip(), MOST_CHARACTERS))
                  : "The content is not allowed here.");
      default -> throw new IllegalStateException("the judge's answer is neither safe nor unsafe");
    }
  }
}
