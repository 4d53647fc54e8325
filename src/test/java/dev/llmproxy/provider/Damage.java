package dev.llmproxy.provider;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Random;

/** Damages streams; the same seed gives the same damage. */
public final class Damage {
  private static final List<String> WORDS =
      List.of(
          "null",
          "{}",
          "[]",
          "\"\"",
          "-1",
          "1.5",
          "1e999",
          "true",
          "\n",
          "\r",
          "\n\n",
          ":",
          "data:",
          "event: error\n",
          "[DONE]",
          "{\"error\":1}",
          "\"index\":-3",
          "\"choices\":[null]",
          "\uFEFF");

  private final Random random;

  public Damage(int seed) {
    random = new Random(seed);
  }

  public byte[] applyTo(byte[] stream) {
    byte[] damaged = stream;
    for (int times = random.nextInt(4); times >= 0; times--) {
      damaged = once(damaged);
    }
    return damaged;
  }

  private byte[] once(byte[] stream) {
    int from = random.nextInt(stream.length + 1);
    int to = Math.min(stream.length, from + random.nextInt(12));
    byte[] replacement =
        switch (random.nextInt(5)) {
          case 0 -> new byte[0];
          case 1 -> new byte[] {(byte) random.nextInt(256)};
          case 2 -> value(stream, from);
          default -> WORDS.get(random.nextInt(WORDS.size())).getBytes(UTF_8);
        };
    ByteArrayOutputStream damaged = new ByteArrayOutputStream();
    damaged.write(stream, 0, from);
    damaged.writeBytes(replacement);
    damaged.write(stream, to, stream.length - to);
    return damaged.toByteArray();
  }

  /** Copies some bytes of the stream to another place. */
  private byte[] value(byte[] stream, int from) {
    int length = Math.min(random.nextInt(200), stream.length - from);
    return java.util.Arrays.copyOfRange(stream, from, from + length);
  }
}
