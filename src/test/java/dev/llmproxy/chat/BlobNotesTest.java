package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Sha256;
import java.util.Base64;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlobNotesTest {
  private static final byte[] BYTES = new byte[10_000];

  static {
    new Random(7).nextBytes(BYTES);
  }

  private static final String NOTE = " of 10000 bytes, not kept; sha256 " + Sha256.hex(BYTES) + "]";
  private static final String BASE64 = Base64.getEncoder().encodeToString(BYTES);

  @Test
  void dataUrlInsideATextBecomesANoteWithItsType() {
    assertThat(BlobNotes.shorten("see ![a](data:image/png;base64," + BASE64 + ") and data:, too"))
        .isEqualTo("see ![a]([image/png" + NOTE + ") and data:, too");
  }

  @Test
  void base64BecomesANoteAloneInTextUrlSafeAndWithLineBreaks() {
    String safe = Base64.getUrlEncoder().withoutPadding().encodeToString(BYTES);
    String lines = Base64.getMimeEncoder().encodeToString(BYTES);

    assertThat(BlobNotes.shorten(BASE64)).isEqualTo("[base64" + NOTE);
    assertThat(BlobNotes.shorten(safe)).isEqualTo("[base64" + NOTE);
    assertThat(BlobNotes.shorten("a:\n" + lines + "\nb")).isEqualTo("a:\n[base64" + NOTE + "\nb");
    assertThat(BlobNotes.shorten("{\"image\":\"" + BASE64 + "\"}"))
        .isEqualTo("{\"image\":\"[base64" + NOTE + "\"}");
  }

  @Test
  void dataUrlWithoutBase64BecomesANote() {
    assertThat(BlobNotes.shorten("<img src='data:image/svg+xml," + "%3Csvg".repeat(1000) + "'>"))
        .startsWith("<img src='[image/svg+xml of 6000 bytes, not kept; sha256 ")
        .endsWith("]'>");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Words and words. ",
        "word\n",
        "data: ",
        "data:image/png;base64,AAAA ",
        "日本語",
        "a=b;"
      })
  void longTextIsNotChanged(String text) {
    String whole = text.repeat(300_000);

    assertThat(BlobNotes.shorten(whole)).isEqualTo(whole);
  }

  @Test
  void valuesAreCopiedAndTheOriginalIsNotChanged() throws Exception {
    String json = "{\"a\":[{\"data\":\"" + BASE64 + "\",\"n\":1.50,\"x\":null}],\"b\":true}";
    JsonNode value = Json.parse(json);

    assertThat(Json.text(BlobNotes.shorten(value)))
        .isEqualTo("{\"a\":[{\"data\":\"[base64" + NOTE + "\",\"n\":1.50,\"x\":null}],\"b\":true}");
    assertThat(Json.text(value)).isEqualTo(json);
  }
}
