package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Semaphore;

/**
 * Answers of the endpoints for audio, images, moderations and reranking, in the forms of OpenAI's
 * API and, for reranking, of Jina's. A script in a text of the request causes failures.
 */
public final class MediaAnswers {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int SOUND_BYTES = 50_000;
  private static final int PIECE = 4096;

  private final RecordedRequest request;
  private final JsonNode body;
  private final Script script;
  private final Semaphore releases;

  MediaAnswers(RecordedRequest request, Semaphore releases) {
    this.request = request;
    this.releases = releases;
    body = request.body();
    script = Script.of(request.model(), text());
  }

  /** A sound of so many bytes, always the same. */
  public static byte[] sound(int bytes) {
    byte[] sound = new byte[bytes];
    new Random(bytes).nextBytes(sound);
    return sound;
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    for (String field : List.of("input", "prompt", "query")) {
      text.append(body.path(field).isTextual() ? body.path(field).asText() : "");
    }
    return text.toString();
  }

  /** Answers one request. Throws an {@link IOException} when the peer leaves before the end. */
  void answer(HttpConnection connection) throws IOException {
    connection.pause(Duration.ofMillis(script.number(Directive.TTFT, 0)));
    if (script.has(Directive.HANGUP)) {
      connection.hangUp(script.number(Directive.HANGUP, 1) == 1);
    } else if (Refusal.asked(script)) {
      connection.respond(Refusal.of(script));
    } else if (body.path("stream").asText().equals("true")
        || body.path("stream_format").asText().equals("sse")) {
      events(connection);
    } else if (request.path().endsWith("/speech")) {
      bytes(connection, sound(script.number(Directive.SIZE, SOUND_BYTES)));
    } else if (body.path("response_format").asText().equals("text")) {
      connection.respond(Reply.of(200, "text/plain; charset=utf-8", said() + "\n"));
    } else {
      connection.respond(Reply.json(whole()));
    }
  }

  private void bytes(HttpConnection connection, byte[] sound) throws IOException {
    connection.startStream(Map.of("content-type", "audio/mpeg"));
    for (int from = 0, piece = 0; from < sound.length; from += PIECE, piece++) {
      if (script.number(Directive.CUT, -1) == piece) {
        connection.reset();
        return;
      }
      hold(connection, piece);
      connection.write(sound, from, Math.min(sound.length, from + PIECE));
    }
    connection.endStream();
  }

  private void events(HttpConnection connection) throws IOException {
    EventWriter events = new EventWriter(connection, script);
    events.start();
    List<String> words = Words.of(said());
    for (int i = 0; i < words.size(); i++) {
      if (script.number(Directive.CUT, -1) == i) {
        events.raw("data: {\"type\":\"cut");
        events.reset();
        return;
      }
      hold(connection, i);
      events.send(
          JSON.createObjectNode()
              .put("type", "transcript.text.delta")
              .put("delta", words.get(i))
              .toString());
    }
    ObjectNode done = JSON.createObjectNode().put("type", "transcript.text.done");
    done.put("text", said() + "x".repeat(script.number(Directive.SIZE, 0)));
    done.set("usage", tokens());
    events.send(done.toString());
    events.end();
  }

  private void hold(HttpConnection connection, int piece) throws IOException {
    if (script.number(Directive.HOLD, -1) == piece) {
      while (!releases.tryAcquire()) {
        connection.pause(Duration.ofMillis(20));
      }
    }
  }

  private String said() {
    JsonNode file = body.path("file");
    return file.isObject()
        ? "I heard %s of %d bytes".formatted(file.path("file").asText(), file.path("bytes").asInt())
        : "I heard nothing";
  }

  private static ObjectNode tokens() {
    ObjectNode tokens = JSON.createObjectNode().put("type", "tokens");
    tokens.put("input_tokens", 14).put("output_tokens", 45).put("total_tokens", 59);
    tokens.putObject("input_token_details").put("text_tokens", 4).put("audio_tokens", 10);
    return tokens;
  }

  private ObjectNode whole() {
    ObjectNode answer = JSON.createObjectNode();
    String path = request.path();
    if (path.contains("/audio/")) {
      answer.put("text", said());
      if (script.has(Directive.BARE)) {
        answer.putObject("usage").put("type", "duration").put("seconds", 9);
      } else {
        answer.set("usage", tokens());
      }
    } else if (path.contains("/images/")) {
      byte[] picture = sound(script.number(Directive.SIZE, 1000));
      answer.put("created", 1_760_000_000);
      answer
          .putArray("data")
          .addObject()
          .put("b64_json", Base64.getEncoder().encodeToString(picture));
      ObjectNode usage = answer.putObject("usage");
      usage.put("input_tokens", 50).put("output_tokens", 200).put("total_tokens", 250);
      usage.putObject("input_tokens_details").put("text_tokens", 10).put("image_tokens", 40);
    } else if (path.endsWith("/moderations")) {
      answer.put("id", "modr-1").put("model", request.model());
      ObjectNode result = answer.putArray("results").addObject();
      result.put("flagged", text().contains("kill"));
      result.putObject("categories").put("violence", text().contains("kill"));
      result.putObject("category_scores").put("violence", 0.5);
      result.putObject("category_applied_input_types").putArray("violence").add("text");
    } else {
      int count = body.path("documents").size();
      for (int i = count - 1; i >= 0; i--) {
        answer
            .withArray("/results")
            .addObject()
            .put("index", i)
            .put("relevance_score", 1.0 / (count - i));
      }
      answer.putObject("usage").put("total_tokens", 9);
    }
    return answer;
  }
}
