package dev.llmproxy.provider.openai;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The meanings of providers' finish reasons. The table has the reasons that OpenAI, Azure,
 * Anthropic, Gemini and Vertex, Bedrock, Mistral, Cohere, DeepSeek, Zhipu, Moonshot, DashScope,
 * watsonx, vLLM, SGLang, llama.cpp, TGI and Ollama document or were seen to send. Case and
 * punctuation do not matter.
 */
public enum FinishReason {
  STOP,
  LENGTH,
  CONTENT_FILTER,
  TOOL_CALLS,
  FUNCTION_CALL,
  /** The provider aborted the answer, so it is incomplete. */
  FAILED,
  /** The provider gives no reason. The answer is complete if it has content. */
  OTHER,
  /** Not in the documents of any provider. */
  UNKNOWN;

  private static final Pattern NO_LETTER = Pattern.compile("[^a-z0-9]+");
  private static final Pattern PARTS = Pattern.compile("[:/.,|\\s]+");

  private static final Map<String, FinishReason> KNOWN = new HashMap<>();

  static {
    STOP.is("stop", "stopped", "eos", "eos_token", "eos_found", "end_turn", "stop_sequence");
    STOP.is("complete", "completed", "finish", "finished", "end", "normal", "done", "success");
    STOP.is("endoftext", "end_of_text", "stop_criteria_met", "stop_token", "word", "stop_str");
    LENGTH.is("length", "max_tokens", "max_length", "model_length", "max_output_tokens", "limit");
    LENGTH.is("max_new_tokens", "max_completion_tokens", "maximum_tokens", "token_limit");
    LENGTH.is("model_context_window_exceeded", "context_length_exceeded", "context_length");
    LENGTH.is("max_context_length", "pause_turn", "continuation", "incomplete", "truncated");
    CONTENT_FILTER.is("content_filter", "content_filtered", "safety", "recitation", "refusal");
    CONTENT_FILTER.is("language", "blocklist", "prohibited_content", "spii", "image_safety");
    CONTENT_FILTER.is("image_prohibited_content", "image_recitation", "model_armor", "escalation");
    CONTENT_FILTER.is("pup_limited_disabled", "sensitive", "guardrail_intervened", "error_toxic");
    CONTENT_FILTER.is("blocked", "moderation", "flagged", "risk_control", "guardrails");
    TOOL_CALLS.is("tool_calls", "tool_call", "tool_use");
    FUNCTION_CALL.is("function_call");
    FAILED.is("error", "failed", "failure", "abort", "aborted", "cancel", "cancelled", "canceled");
    FAILED.is("user_cancel", "user_cancelled", "network_error", "timeout", "time_limit");
    FAILED.is("error_limit", "insufficient_system_resource", "malformed_function_call");
    FAILED.is("malformed_response", "malformed_model_output", "malformed_tool_use");
    FAILED.is("unexpected_tool_call", "too_many_tool_calls", "missing_thought_signature");
    FAILED.is("overloaded", "internal_error", "server_error", "rag_query_when_rag_disabled");
    OTHER.is("other", "unspecified", "finish_reason_unspecified", "unknown", "no_image");
    OTHER.is("image_other");
  }

  /** Patterns for undocumented reasons, in the order in which they are tried. */
  private static final List<Map.Entry<Pattern, FinishReason>> ALIKE =
      List.of(
          Map.entry(
              Pattern.compile("filter|prohibit|sensitiv|safety|toxic|moderat|guardrail|blocklist"),
              CONTENT_FILTER),
          Map.entry(
              Pattern.compile(
                  "error|fail|abort|cancel|timeout|timedout|malformed|overload|exception"),
              FAILED),
          Map.entry(Pattern.compile("max.*token|token.*limit|length|contextwindow"), LENGTH));

  /** The meaning of a reason. The reason is not empty. */
  public static FinishReason of(String reason) {
    FinishReason exact = KNOWN.get(reason);
    if (exact != null) {
      return exact;
    }
    FinishReason known = KNOWN.get(letters(reason));
    if (known != null) {
      return known;
    }
    // For example "content_filter: PROHIBITED_CONTENT".
    for (String part : PARTS.split(reason, 4)) {
      FinishReason inPart = KNOWN.get(letters(part));
      if (inPart != null) {
        return inPart;
      }
    }
    String letters = letters(reason);
    return ALIKE.stream()
        .filter(alike -> alike.getKey().matcher(letters).find())
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(UNKNOWN);
  }

  /**
   * The finish reason in OpenAI's format.
   *
   * @param calls whether the answer has tool calls; then a stop becomes {@code tool_calls}
   */
  String wire(boolean calls) {
    return switch (this) {
      case LENGTH, CONTENT_FILTER, TOOL_CALLS, FUNCTION_CALL -> name().toLowerCase(Locale.ROOT);
      case STOP, FAILED, OTHER, UNKNOWN -> calls ? "tool_calls" : "stop";
    };
  }

  private void is(String... reasons) {
    for (String reason : reasons) {
      KNOWN.put(reason, this);
      KNOWN.put(letters(reason), this);
    }
  }

  private static String letters(String reason) {
    return NO_LETTER.matcher(reason.toLowerCase(Locale.ROOT)).replaceAll("");
  }
}
