package dev.llmproxy.emulator;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The directives of a script for the scripted provider; {@code --help} prints this table. */
enum Directive {
  // The answer
  CHUNKS("number of words, one in each chunk, instead of the echo"),
  SIZE("bytes added to each chunk, in an unknown field"),
  N("number of choices (the n of the request is also used)"),
  TOOLS("number of tool calls, with arguments in fragments, until the request has tool results"),
  CALLS(
      "tool calls by name and arguments, e.g. 'web_search {\"query\": \"a\"} & calculator {} | current_time {}':"
          + " & joins those of a turn, | separates turns"),
  OBEY("1: calls the function that tool_choice names, with a value for each of its parameters"),
  IDS("the same id for all tool calls; none: calls without ids"),
  SAY("text before the tool calls of a turn; in single quotes if it contains spaces"),
  JSON("1: an object that matches the JSON schema in the request's response_format"),
  REASONING("1: reasoning_content before the content"),
  FINISH("finish_reason to report, e.g. eos"),
  UTF8("1: text of multi-byte characters, each chunk cut inside one"),

  ENCODING("embeddings as float or base64, whatever the request says"),
  REVERSED("1: embeddings in reverse order"),

  // Deviations of other providers
  GROQ("1: usage in x_groq and on the finish chunk, service_tier on_demand"),
  BARE("1: no id, object, created, model, role, index, usage"),
  FIELDS("1: unknown fields at every level"),
  LOGPROBS("1: the last word, its log probability and finish_reason in one chunk"),

  // How it is sent
  TTFT("milliseconds before the first byte"),
  GAP("milliseconds between chunks"),
  CRLF("1: lines end in CR LF"),
  SPLIT("1: written byte by byte"),
  HOLD("N: wait after N chunks for GET /release"),
  LINGER("1: leave the stream open after its last event until GET /release"),

  // Failures before the first byte
  STATUS("HTTP status of the answer; the body is an error unless body or html is given"),
  CODE("the error's code, e.g. context_length_exceeded"),
  BODY("body of the answer; in single quotes if it contains spaces"),
  HTML("1: the error body is an HTML page"),
  RETRY_AFTER("value of the header Retry-After"),
  STRICT("1: reject a history with invalid tool calls, as vLLM does"),
  HANGUP("without an answer, 1: drop the connection, 2: close it as a server does that stops"),

  // Failures in the middle: N counts chunks of content or tool calls
  CUT("N: drop the connection after N chunks"),
  END("N: end cleanly after N chunks, without finish_reason and [DONE]"),
  SILENT("N: send nothing after N chunks, until the peer leaves"),
  ERROR("N: send data: {\"error\": …} after N chunks and end"),
  GARBAGE("N: send something that is not JSON after N chunks and continue"),
  FAILS("N: these failures strike the first N requests with the same script only");

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
