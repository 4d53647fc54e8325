package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.UnaryOperator;

/**
 * Executes one script: rejects the request, answers without streaming, or streams until a failure.
 */
final class ChatEndpoint {
  private static final Duration LOOKING_FOR_RELEASE = Duration.ofMillis(20);

  private final RecordedRequest request;
  private final Script script;
  private final Answer answer;
  private final Semaphore releases;
  private final UnaryOperator<ObjectNode> form;

  /**
   * @param releases the permits that release held answers
   */
  ChatEndpoint(RecordedRequest request, Script script, Answer.Head head, Semaphore releases) {
    this(request, script, head, releases, UnaryOperator.identity());
  }

  /**
   * @param form makes the objects of another form from a chat's chunks and completions
   */
  ChatEndpoint(
      RecordedRequest request,
      Script script,
      Answer.Head head,
      Semaphore releases,
      UnaryOperator<ObjectNode> form) {
    this.form = form;
    this.request = request;
    this.script = script;
    this.releases = releases;
    answer = Answer.to(request, script, head);
  }

  /** Answers one request. Throws an {@link IOException} when the peer leaves before the end. */
  void answer(HttpConnection connection) throws IOException {
    if (script.has(Directive.STRICT)) {
      request.checkHistory();
    }
    connection.pause(milliseconds(Directive.TTFT));
    if (script.has(Directive.HANGUP)) {
      connection.hangUp(script.number(Directive.HANGUP, 1) == 1);
    } else if (Refusal.asked(script)) {
      connection.respond(Refusal.of(script));
    } else if (request.wantsStream()) {
      stream(new EventWriter(connection, script));
    } else {
      connection.respond(Reply.json(restyled(List.of(answer.completion())).getFirst()));
    }
  }

  private void stream(EventWriter events) throws IOException {
    List<ObjectNode> chunks = restyled(answer.chunks(request.wantsUsage()));
    events.start();
    for (int sent = 0; sent < chunks.size(); sent++) {
      for (Mishap mishap : mishapsDue(sent - answer.choices())) {
        if (!mishap.strike(events)) {
          return;
        }
      }
      if (script.number(Directive.HOLD, Integer.MAX_VALUE) == sent - answer.choices()) {
        hold(events);
      }
      if (sent > 0) {
        events.pause(milliseconds(Directive.GAP));
      }
      events.send(padded(chunks.get(sent)).toString());
    }
    events.send("[DONE]");
    if (script.has(Directive.LINGER)) {
      hold(events);
    }
    events.end();
  }

  private void hold(EventWriter events) throws IOException {
    while (!releases.tryAcquire()) {
      events.pause(LOOKING_FOR_RELEASE);
    }
  }

  private ObjectNode padded(ObjectNode chunk) {
    int bytes = script.number(Directive.SIZE, 0);
    return bytes == 0 ? chunk : chunk.deepCopy().put("padding", "x".repeat(bytes));
  }

  private List<Mishap> mishapsDue(int chunksSent) {
    return Arrays.stream(Mishap.values())
        .filter(mishap -> script.number(mishap.directive, Integer.MAX_VALUE) == chunksSent)
        .toList();
  }

  private List<ObjectNode> restyled(List<ObjectNode> objects) {
    List<ObjectNode> restyled = new ArrayList<>(objects);
    for (Dialect dialect : Dialect.values()) {
      if (script.has(dialect.directive)) {
        dialect.restyle(restyled, answer.usage());
      }
    }
    return restyled.stream().map(form).toList();
  }

  private Duration milliseconds(Directive directive) {
    return Duration.ofMillis(script.number(directive, 0));
  }
}
