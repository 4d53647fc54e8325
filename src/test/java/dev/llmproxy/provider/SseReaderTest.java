package dev.llmproxy.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.llmproxy.Wire;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SseReaderTest {
  private static final int PLENTY = 1 << 20;

  static List<Arguments> streams() {
    return List.of(
        stream("line feeds", "data: a\n\ndata: b\n\n", data("a"), data("b")),
        stream("CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", data("a"), data("b")),
        stream("carriage returns", "data: a\r\rdata: b\r\r", data("a"), data("b")),
        stream(
            "mixed line ends",
            "data: a\r\n\ndata: b\n\rdata: c\r\r\n",
            data("a"),
            data("b"),
            data("c")),
        stream("byte order mark", "\uFEFFdata: a\n\n", data("a")),
        stream("byte order mark alone", "\uFEFF"),
        stream("byte order mark inside", "data: \uFEFFa\n\n", data("\uFEFFa")),
        stream("comments", ": ping\n\n:\n\ndata: a\n: in between\ndata: b\n\n", data("a\nb")),
        stream("several data lines", "data: a\ndata:\ndata: b\n\n", data("a\n\nb")),
        stream("no space after the colon", "data:a\n\ndata:  b\n\n", data("a"), data(" b")),
        stream("colons in the value", "data: {\"a\": \"b:c\"}\n\n", data("{\"a\": \"b:c\"}")),
        stream("id and retry", "id: 7\nretry: 10\ndata: a\n\n", data("a")),
        stream("unknown fields", "datas: x\n data: y\nDATA: z\ndata: a\n\n", data("a")),
        stream(
            "named event", "event: error\ndata: a\n\ndata: b\n\n", event("error", "a"), data("b")),
        stream("name after data", "data: a\nevent:late\n\n", event("late", "a")),
        stream("event without data", "event: ping\n\ndata: a\n\n", data("a")),
        stream("empty data", "data:\n\ndata: \n\ndata\n\n", data(""), data(""), data("")),
        stream("blank lines only", "\n\r\n\r\n\n"),
        stream("nothing", ""),
        stream("last blank line missing", "data: a\n\ndata: b\n", data("a"), data("b")),
        stream("last newline missing", "data: a\n\ndata: b", data("a"), data("b")),
        stream("cut in a comment", "data: a\n\n: pi", data("a")),
        stream("two and three byte characters", "data: é€漢\n\n", data("é€漢")),
        stream("four byte characters", "event: 🦙\ndata: 👩‍🚀🦙\r\n\r\n", event("🦙", "👩‍🚀🦙")),
        stream(
            "longer than a buffer",
            "data: " + "é".repeat(3000) + "\r\n\r\ndata: b\n\n",
            data("é".repeat(3000)),
            data("b")));
  }

  @Wire({"5.utf8", "5.read"})
  @ParameterizedTest
  @MethodSource("streams")
  void eventsDoNotDependOnTheSizesOfReads(String raw, List<SseEvent> expected) throws IOException {
    byte[] bytes = raw.getBytes(StandardCharsets.UTF_8);
    for (int cut = 0; cut <= bytes.length; cut++) {
      InputStream twoReads =
          new SequenceInputStream(
              new ByteArrayInputStream(bytes, 0, cut),
              new ByteArrayInputStream(bytes, cut, bytes.length - cut));
      assertThat(events(twoReads)).as("cut after %d bytes", cut).isEqualTo(expected);
    }
  }

  @Wire({"5.utf8", "5.read"})
  @ParameterizedTest
  @MethodSource("streams")
  void eventsAreReadByteByByte(String raw, List<SseEvent> expected) throws IOException {
    byte[] bytes = raw.getBytes(StandardCharsets.UTF_8);
    assertThat(events(new ByteByByte(bytes))).isEqualTo(expected);
  }

  @Test
  void eventIsReturnedAtItsBlankLine() throws IOException {
    for (String raw : List.of("data: a\n\n", "data: a\r\r", "data: a\r\n\r")) {
      InputStream silentAfterwards =
          new SequenceInputStream(
              new ByteArrayInputStream(raw.getBytes(StandardCharsets.UTF_8)), new NeverRead());
      assertThat(new SseReader(silentAfterwards, PLENTY).next()).isEqualTo(new SseEvent(null, "a"));
    }
  }

  @Test
  void pollReturnsEventsThatHaveArrivedAndNeverReads() throws IOException {
    String first = "data: a\n\ndata:b\r\n\r\ndata: c\n";
    InputStream in =
        new SequenceInputStream(
            new ByteArrayInputStream(first.getBytes(StandardCharsets.UTF_8)),
            new ByteArrayInputStream("\n".getBytes(StandardCharsets.UTF_8)));
    SseReader reader = new SseReader(in, PLENTY);

    assertThat(reader.poll()).isNull();
    assertThat(reader.next()).isEqualTo(data("a"));
    assertThat(reader.poll()).isEqualTo(data("b"));
    assertThat(reader.poll()).isNull();
    assertThat(reader.next()).isEqualTo(data("c"));
    assertThat(reader.poll()).isNull();
    assertThat(reader.next()).isNull();
  }

  @Test
  void pollLeavesOtherFormsToNext() throws IOException {
    for (String other : List.of(": ping\n\n", "event: b\ndata: b\n\n", "data: b\rdata: b\n\n")) {
      byte[] bytes = ("data: a\n\n" + other).getBytes(StandardCharsets.UTF_8);
      SseReader reader = new SseReader(new ByteArrayInputStream(bytes), PLENTY);
      assertThat(reader.next()).isEqualTo(data("a"));
      assertThat(reader.poll()).as(other).isNull();
    }
  }

  @Test
  void endIsReturnedRepeatedly() throws IOException {
    SseReader reader = new SseReader(new ByteArrayInputStream(new byte[0]), PLENTY);
    assertThat(reader.next()).isNull();
    assertThat(reader.next()).isNull();
  }

  @Test
  void lineOverTheLimitFails() {
    assertThatIOException().isThrownBy(() -> events("data: " + "x".repeat(5000), 4000));
    assertThatIOException().isThrownBy(() -> events("data: " + "x".repeat(11) + "\n\n", 10));
    assertThatIOException().isThrownBy(() -> events(": " + "x".repeat(5000), 100));
  }

  @Test
  void eventOverTheLimitFails() {
    assertThatIOException().isThrownBy(() -> events("data: 12345\n".repeat(2) + "\n", 10));
  }

  @Test
  void eventAtTheLimitIsRead() throws IOException {
    assertThat(events("data: " + "x".repeat(10) + "\n\n", 10))
        .containsExactly(new SseEvent(null, "x".repeat(10)));
  }

  @Test
  void limitDoesNotDependOnTheSizesOfReads() throws IOException {
    byte[] fits = ("data: " + "x".repeat(10) + "\n\n").getBytes(StandardCharsets.UTF_8);
    assertThat(events(new SseReader(new ByteByByte(fits), 10)))
        .containsExactly(new SseEvent(null, "x".repeat(10)));
    assertThatIOException().isThrownBy(() -> events(": " + "x".repeat(100) + "\n", 10));
  }

  @Test
  void connectionFailureIsThrown() {
    InputStream broken =
        new SequenceInputStream(
            new ByteArrayInputStream("data: a\n".getBytes(StandardCharsets.UTF_8)),
            new NeverRead());
    assertThatIOException().isThrownBy(() -> events(broken)).withMessage("read on");
  }

  private static List<SseEvent> events(String raw, int mostEventBytes) throws IOException {
    return events(
        new SseReader(
            new ByteArrayInputStream(raw.getBytes(StandardCharsets.UTF_8)), mostEventBytes));
  }

  private static List<SseEvent> events(InputStream in) throws IOException {
    return events(new SseReader(in, PLENTY));
  }

  private static List<SseEvent> events(SseReader reader) throws IOException {
    List<SseEvent> events = new ArrayList<>();
    for (SseEvent event = reader.next(); event != null; event = reader.next()) {
      events.add(event);
    }
    return events;
  }

  private static Arguments stream(String name, String raw, SseEvent... events) {
    return Arguments.of(Named.of(name, raw), List.of(events));
  }

  private static SseEvent data(String data) {
    return event(null, data);
  }

  private static SseEvent event(String name, String data) {
    return new SseEvent(name, data);
  }

  /** Returns one byte for each read, like a slow network. */
  private static final class ByteByByte extends ByteArrayInputStream {
    ByteByByte(byte[] bytes) {
      super(bytes);
    }

    @Override
    public synchronized int read(byte[] target, int offset, int length) {
      return super.read(target, offset, Math.min(1, length));
    }
  }

  /** Fails when it is read: the reader must not wait for more than it needs. */
  private static final class NeverRead extends InputStream {
    @Override
    public int read() throws IOException {
      throw new IOException("read on");
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      throw new IOException("read on");
    }
  }
}
