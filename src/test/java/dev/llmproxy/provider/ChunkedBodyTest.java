package dev.llmproxy.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.apache.hc.core5.http.impl.io.SessionInputBufferImpl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkedBodyTest {
  private static final String LATER = "";

  private static final String THREE_CHUNKS =
      "4\r\nabcd\r\n1;name=\"v\"\r\ne\r\n00A \r\nfghijklmno\r\n0\r\nTrailer: x\r\n\r\n";

  @Test
  void cutAnywhereGivesTheSameData() throws IOException {
    for (int cut = 1; cut < THREE_CHUNKS.length(); cut++) {
      String first = THREE_CHUNKS.substring(0, cut);
      String second = THREE_CHUNKS.substring(cut);
      assertThat(text(body(first, second))).as("cut at %d", cut).isEqualTo("abcdefghijklmno");
    }
  }

  @Test
  void singleBytesGiveTheSameData() throws IOException {
    assertThat(text(body(THREE_CHUNKS.split("")))).isEqualTo("abcdefghijklmno");
  }

  @Test
  void lineFeedsAloneAreAccepted() throws IOException {
    assertThat(text(body(THREE_CHUNKS.replace("\r", "")))).isEqualTo("abcdefghijklmno");
  }

  @Test
  void chunksThatArriveTogetherAreReadAtOnce() throws IOException {
    InputStream body = body("2\r\nab\r\n2\r\ncd\r\n3\r\ne", LATER, "fg\r\n0\r\n\r\n");

    assertThat(read(body)).isEqualTo("abcde");
    assertThat(body.available()).isZero();
    assertThat(read(body)).isEqualTo("fg");
    assertThat(body.available()).isOne();
    assertThat(body.read()).isEqualTo(-1);
    assertThat(body.read()).isEqualTo(-1);
  }

  @Test
  void theEndIsSeenWithoutWaitingWhenItHasArrived() throws IOException {
    InputStream whole = body("1\r\na\r\n", "0\r\n\r\n");
    InputStream cut = body("1\r\na\r\n", "0\r\n", LATER, "\r\n");

    assertThat(read(whole)).isEqualTo("a");
    assertThat(whole.available()).isOne();
    assertThat(read(cut)).isEqualTo("a");
    assertThat(cut.available()).isZero();
    assertThat(cut.read()).isEqualTo(-1);
  }

  @Test
  void aSmallTargetGetsAPieceOfTheData() throws IOException {
    InputStream body = body(THREE_CHUNKS);
    byte[] target = new byte[8];

    assertThat(body.read(target, 1, 6)).isEqualTo(3);
    assertThat(new String(target, StandardCharsets.US_ASCII)).startsWith("\0abc");
    assertThat(text(body)).isEqualTo("defghijklmno");
  }

  @Test
  void theNextResponseIsNotReadAsData() throws IOException {
    assertThat(text(body("1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"))).isEqualTo("a");
  }

  @Test
  void closingReadsToTheEnd() throws IOException {
    InputStream pieces = pieces("1\r\na\r\n", "1\r\nb\r\n", "0\r\n\r\n", "HTTP/1.1");
    new ChunkedBody(new SessionInputBufferImpl(2048), pieces).close();

    assertThat(new String(pieces.readAllBytes(), StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\r\n",
        "g\r\n",
        "-1\r\na\r\n",
        "+1\r\na\r\n",
        " 1\r\na\r\n",
        "0x1\r\na\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "1\r\na0\r\n\r\n",
        "7fffffffffffffff\r\na",
        "1000000000000000\r\na",
        "4\r\nabc",
        "1\r\na\r\n",
        "1\r\na\r\n0\r\n",
        "1\r\na\r\n0\r\nTrailer: x"
      })
  void brokenBodiesFail(String bytes) {
    assertThatIOException().isThrownBy(() -> text(body(bytes)));
  }

  @Test
  void endlessExtensionsAndFieldsFail() {
    String endless = "x".repeat(20_000);

    assertThatIOException().isThrownBy(() -> text(body("1;" + endless + "\r\na\r\n0\r\n\r\n")));
    assertThatIOException().isThrownBy(() -> text(body("0\r\na: " + endless + "\r\n\r\n")));
  }

  private static InputStream body(String... pieces) {
    return new ChunkedBody(new SessionInputBufferImpl(2048), pieces(pieces));
  }

  /**
   * A connection that gives one piece for each read, and then ends. Pieces after {@link #LATER}
   * have not arrived before they are read.
   */
  private static InputStream pieces(String... pieces) {
    return new InputStream() {
      private int next;
      private InputStream piece = InputStream.nullInputStream();

      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0];
      }

      @Override
      public int available() throws IOException {
        return piece.available() > 0 || next == pieces.length
            ? piece.available()
            : pieces[next].length();
      }

      @Override
      public int read(byte[] target, int offset, int length) throws IOException {
        int read = piece.read(target, offset, length);
        while (read < 0 && next < pieces.length) {
          piece = new ByteArrayInputStream(pieces[next++].getBytes(StandardCharsets.US_ASCII));
          read = piece.read(target, offset, length);
        }
        return read;
      }
    };
  }

  private static String read(InputStream body) throws IOException {
    byte[] target = new byte[100];
    return new String(target, 0, body.read(target), StandardCharsets.US_ASCII);
  }

  private static String text(InputStream body) throws IOException {
    return new String(body.readAllBytes(), StandardCharsets.US_ASCII);
  }
}
