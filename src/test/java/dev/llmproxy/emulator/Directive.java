package dev.llmproxy.emulator;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a script can ask of the scripted provider; {@code --help} prints this table. */
enum Directive {
  // The answer
  CHUNKS("number of words, one to a chunk, instead of the echo"),
  SIZE("bytes added to each chunk, in a field nobody knows"),
  N("number of choices (the request's own n counts as well)"),
  TOOLS("number of tool calls, arguments in fragments, until tool results come"),
  CALLS(
      "tool calls by name and arguments, e.g. 'web_search {\"query\": \"a\"} & calculator {} | current_time {}':"
          + " & joins those of a turn, | separates turns"),
  IDS("the one id of all tool calls; none: calls without ids"),
  SAY("text before the tool calls of a turn; in single quotes when it holds spaces"),
  JSON("1: an object that fits the JSON schema in the request's response_format"),
  REASONING("1: reasoning_content before the content"),
  FINISH("finish_reason to report, e.g. eos"),
  UTF8("1: text of multi-byte characters, each chunk cut inside one"),

  ENCODING("embeddings as float or base64, whatever was asked for"),
  REVERSED("1: embeddings in reverse order"),

  // Habits of other providers
  GROQ("1: usage in x_groq and on the finish chunk, service_tier on_demand"),
  BARE("1: no id, object, created, model, role, index, usage"),
  FIELDS("1: extra fields nobody knows, at every level"),
  LOGPROBS("1: the last word, its log probability and finish_reason in one chunk"),

  // How it is sent
  TTFT("milliseconds before the first byte"),
  GAP("milliseconds between chunks"),
  CRLF("1: lines end in CR LF"),
  SPLIT("1: written byte by byte"),
  HOLD("N: wait after N chunks until somebody says GET /release"),
  LINGER("1: leave the stream open after its last event until somebody says GET /release"),

  // Failing before the first byte
  STATUS("HTTP status to answer with; an error body unless body or html say otherwise"),
  CODE("the error's code, e.g. context_length_exceeded"),
  BODY("body to answer with; in single quotes when it holds spaces"),
  HTML("1: the error body is an HTML page"),
  RETRY_AFTER("value of the header Retry-After"),
  STRICT("1: refuse a history with calls of tools that are not in order, as vLLM does"),
  HANGUP("1: drop the connection without a word"),

  // Failing in the middle: N counts chunks of content or tool calls
  CUT("N: drop the connection after N chunks"),
  END("N: end cleanly after N chunks, without finish_reason and [DONE]"),
  SILENT("N: say nothing more after N chunks, until the peer leaves"),
  ERROR("N: send data: {\"error\": …} after N chunks and end"),
  GARBAGE("N: send something that is not JSON after N chunks and go on");

  private final String description;

  Directive(String description) {
    this.description = description;
  }

  String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  String description() {
    return description;
  }

  static Optional<Directive> of(String key) {
    return Arrays.stream(values()).filter(directive -> directive.key().equals(key)).findFirst();
  }
}
