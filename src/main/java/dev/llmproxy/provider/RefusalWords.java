package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jsoup.Jsoup;

/**
 * The contents of a provider's error in any known format: OpenAI's object, FastAPI's {@code
 * detail}, a {@code message} or a list of {@code errors} at the top level (Mistral, vLLM,
 * Cloudflare), or plain text.
 *
 * @param message the provider's message, or null when the error has none for people
 * @param instead a description of a body without a message, for operators: the JSON text, or the
 *     title of an HTML page (usually from a proxy); null when there is none
 * @param type the category of the error, or null
 * @param code the reason as one word or number, or null
 * @param param the path of the invalid field in the request, or null
 * @param status the HTTP status in the body, or 0
 * @param aboutKey whether the error is about llmproxy's API key for the provider
 */
record RefusalWords(
    String message,
    String instead,
    String type,
    String code,
    String param,
    int status,
    boolean aboutKey) {
  private static final RefusalWords NONE = new RefusalWords(null, null, null, null, null, 0, false);
  private static final int MOST_CHARACTERS = 4000;
  private static final int MOST_DEPTH = 6;
  private static final int MOST_ITEMS = 5;
  private static final List<String> NAMES =
      List.of(
          "error",
          "message",
          "detail",
          "errors",
          "msg",
          "error_message",
          "error_msg",
          "error_description",
          "description",
          "title",
          "reason");
  private static final Pattern ONE_WORD = Pattern.compile("[\\w.:-]{1,64}");
  private static final Pattern UNREADABLE = Pattern.compile("[\\x00-\\x08\\x0e-\\x1a]");

  /** Codes and types for an account without credit. */
  private static final Set<String> MONEY_CODES =
      Set.of(
          "insufficient_quota",
          "insufficient_user_quota",
          "insufficient_balance",
          "insufficient_credit",
          "insufficient_credits",
          "insufficient_funds",
          "not_enough_balance",
          "billing_error",
          "billing_not_active",
          "billing_hard_limit_reached",
          "budget_exceeded",
          "credit_limit_exceeded",
          "credits_exhausted",
          "enforced_spend_limit_reached",
          "contract_spend_limit_reached",
          "exceeded_current_quota_error",
          "payment_required",
          "arrearage",
          "accountoverdueerror",
          // Zhipu
          "1113");

  private static final Pattern MONEY_WORDS =
      Pattern.compile(
          "(?i)credit balance (is )?too low"
              + "|insufficient (account |user )?(balance|credits?|funds|quota)"
              + "|balance (is )?(insufficient|not enough|too low|exhausted)"
              + "|not enough (balance|credits?|funds)"
              + "|\\b(out of|requires more) credits?\\b"
              + "|(used|spent|exhausted|consumed) all .{0,30}credits"
              + "|credits? .{0,20}(depleted|exhausted|used up)"
              + "|exceeded .{0,30}included credits"
              + "|reached .{0,30}spend(ing)? (limit|cap)"
              + "|spend(ing)? (limit|cap) .{0,20}(reached|exceeded)"
              + "|budget has been exceeded"
              + "|billing (hard )?limit|check your billing\\b"
              + "|payment required|failure to pay|overdue (payment|balance)|in arrears"
              + "|account is in good standing"
              + "|余额不足|额度不足|欠费");

  private static final Set<String> CONTEXT_CODES =
      Set.of(
          "context_length_exceeded",
          "context_window_exceeded",
          "max_context_length_exceeded",
          "model_context_window_exceeded",
          "model_max_prompt_tokens_exceeded",
          "exceed_context_size_error",
          "input_too_long",
          "prompt_too_long",
          // Zhipu
          "1261");

  private static final Pattern CONTEXT_WORDS =
      Pattern.compile(
          "(?i)max(imum)?[ _]context[ _](length|window|size)"
              + "|context overflow"
              + "|exceed.{0,60}\\bcontext[ _](length|window|size|limit)"
              + "|context[ _](length|window|size|limit)[ _a-z]{0,20}exceed"
              + "|(longer|greater|larger|more) than .{0,40}context[ _](length|window|size)"
              + "|context (length|window|size) is (only )?\\d"
              + "|\\b(prompt|input|messages|request|conversation)( is| are)? too long"
              + "|maximum (allowed )?(prompt|input|model|sequence) length"
              + "|prompt exceeds .{0,20}(max|length)"
              + "|reduce the length of (the|your) (messages|prompt|input)"
              + "|reduce your prompt"
              + "|input (token count|tokens?|length)\\b.{0,60}exceed"
              + "|number of (input |prompt )?tokens .{0,60}exceed"
              + "|prompt token count .{0,40}exceeds"
              + "|prompt (contains|has) \\S+ tokens.{0,60}(too large|but)"
              + "|too large for model with"
              + "|too many (input |prompt )?tokens"
              + "|(request exceeded |exceeded )model token limit"
              + "|token limit exceeded"
              + "|range of input length"
              + "|`inputs` tokens \\+ `max_new_tokens` must be"
              + "|requested token(s| count)?\\b.{0,40}exceed"
              + "|tokens in request more than"
              + "|\\bn_ctx\\b");

  /** Messages of rate limits, which may also mention tokens. */
  private static final Pattern RATE_WORDS =
      Pattern.compile("(?i)rate.?limit|per (minute|hour|day)|\\b[TR]P[MD]\\b|too many requests");

  /** Reads a body in any format; it may be truncated. */
  static RefusalWords of(String body) {
    String text = body.replace("\ufeff", "").strip();
    if (text.isEmpty()) {
      return NONE;
    }
    if (text.startsWith("<")) {
      return page(text);
    }
    JsonNode json = json(text);
    if (json != null) {
      return of(json);
    }
    return UNREADABLE.matcher(text).find() ? NONE : words(text);
  }

  /** Reads a complete error in JSON, with or without an object {@code error} in it. */
  static RefusalWords of(JsonNode json) {
    // Gemini's compatible endpoint wraps the object in a list.
    JsonNode answer = json.isArray() && json.path(0).isObject() ? json.path(0) : json;
    JsonNode inner = answer.path("error").isObject() ? answer.path("error") : answer;
    JsonNode error = said(inner) ? inner : answer;
    String message = message(answer, 0);
    if (message != null && message.startsWith("<")) {
      return page(message);
    }
    return new RefusalWords(
        message,
        message == null && !answer.isEmpty() ? cut(Json.text(answer)) : null,
        oneWord(error.path("type")),
        code(error),
        param(error),
        status(error),
        aboutKey(error));
  }

  /** Whether the error says that the account with the provider has no credit. */
  boolean outOfMoney() {
    return MONEY_CODES.contains(lower(code))
        || MONEY_CODES.contains(lower(type))
        || (message != null && MONEY_WORDS.matcher(message).find());
  }

  /** Whether the error says that the request exceeds the model's context length. */
  boolean contextLength() {
    return CONTEXT_CODES.contains(lower(code))
        || CONTEXT_CODES.contains(lower(type))
        || (message != null
            && CONTEXT_WORDS.matcher(message).find()
            && !RATE_WORDS.matcher(message).find());
  }

  /** The code, or null for a number: numbers repeat the status or have no meaning for clients. */
  String textCode() {
    return code == null || code.chars().allMatch(Character::isDigit) ? null : code;
  }

  private static RefusalWords words(String message) {
    return new RefusalWords(cut(message), null, null, null, null, 0, false);
  }

  private static RefusalWords page(String html) {
    String title = Jsoup.parse(html).title();
    return new RefusalWords(
        null, "a page with the title \"" + cut(title) + "\"", null, null, null, 0, false);
  }

  private static JsonNode json(String text) {
    if (text.startsWith("data:") || text.startsWith("event:")) {
      return text.lines()
          .filter(line -> line.startsWith("data:"))
          .findFirst()
          .map(line -> json(line.substring("data:".length()).strip()))
          .orElse(null);
    }
    try {
      return Json.parse(text);
    } catch (JsonProcessingException e) {
      return text.startsWith("{") || text.startsWith("[") ? CutJson.read(text) : null;
    }
  }

  private static boolean said(JsonNode error) {
    return message(error, 0) != null || error.hasNonNull("code") || error.hasNonNull("type");
  }

  private static String message(JsonNode node, int depth) {
    if (depth > MOST_DEPTH) {
      return null;
    }
    if (node.isTextual()) {
      return node.textValue().isBlank() ? null : cut(node.textValue().strip());
    }
    if (node.isArray()) {
      List<String> messages = new ArrayList<>();
      for (int i = 0; i < node.size() && messages.size() < MOST_ITEMS; i++) {
        String message = message(node.get(i), depth + 1);
        if (message != null && !messages.contains(message)) {
          messages.add(message);
        }
      }
      return messages.isEmpty() ? null : cut(String.join("; ", messages));
    }
    String found = null;
    for (int i = 0; i < NAMES.size() && found == null; i++) {
      found = message(node.path(NAMES.get(i)), depth + 1);
    }
    if (found == null) {
      return groq(node, depth);
    }
    String path = path(node.path("loc"));
    // OpenRouter's message is "Provider returned error"; the provider's own message is here.
    String raw = raw(node.path("metadata").path("raw"), depth);
    return cut(
        (path == null ? "" : path + ": ")
            + found
            + (raw == null || raw.equals(found) ? "" : ": " + raw));
  }

  private static String groq(JsonNode node, int depth) {
    JsonNode error = node.path("x_groq").path("error");
    return error.isMissingNode() ? null : message(error, depth + 1);
  }

  private static String raw(JsonNode raw, int depth) {
    if (!raw.isTextual()) {
      return message(raw, depth + 1);
    }
    JsonNode json = raw.textValue().strip().startsWith("{") ? json(raw.textValue().strip()) : null;
    return message(json == null ? raw : json, depth + 1);
  }

  private static String code(JsonNode error) {
    // Anthropic's more specific reason.
    JsonNode detail = error.path("details").path("error_code");
    return oneWord(detail.isMissingNode() ? error.path("code") : detail);
  }

  /** The value if it is one word, as OpenAI's codes are. Some providers send a sentence. */
  private static String oneWord(JsonNode value) {
    String text = value.isIntegralNumber() ? value.asText() : value.textValue();
    return text != null && ONE_WORD.matcher(text).matches() ? text : null;
  }

  private static String param(JsonNode error) {
    if (error.path("param").isTextual()) {
      return error.path("param").textValue();
    }
    JsonNode message = error.path("message");
    return Stream.of(error.path("detail"), message, message.path("detail"))
        .map(list -> path(list.path(0).path("loc")))
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(null);
  }

  /**
   * Converts FastAPI's {@code ["body","messages",0,"role"]} to OpenAI's {@code messages[0].role}.
   */
  private static String path(JsonNode loc) {
    if (!loc.isArray()) {
      return null;
    }
    StringBuilder path = new StringBuilder();
    for (JsonNode part : loc) {
      if (part.isIntegralNumber()) {
        path.append('[').append(part.asText()).append(']');
      } else if (part.isTextual() && !(path.isEmpty() && part.textValue().equals("body"))) {
        path.append(path.isEmpty() ? "" : ".").append(part.textValue());
      }
    }
    return path.isEmpty() ? null : path.toString();
  }

  private static int status(JsonNode error) {
    for (String name : List.of("code", "status", "status_code")) {
      int status = error.path(name).asInt(0);
      if (status >= 400 && status < 600) {
        return status;
      }
    }
    return 0;
  }

  /**
   * Whether the error is about the API key. Google answers an invalid key with 400 and gives the
   * reason <a href="https://cloud.google.com/apis/design/errors">in details</a>.
   */
  private static boolean aboutKey(JsonNode error) {
    JsonNode details = error.path("details");
    return details.isArray()
        && details
            .valueStream()
            .anyMatch(detail -> detail.path("reason").asText("").equals("API_KEY_INVALID"));
  }

  private static String lower(String word) {
    return word == null ? "" : word.toLowerCase(Locale.ROOT);
  }

  private static String cut(String text) {
    return ShownText.cut(text, MOST_CHARACTERS, "");
  }
}
