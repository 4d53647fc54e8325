package dev.llmproxy.format.openai;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The OpenAPI description of this API: the resource {@code openapi.json}. */
public final class OpenApi {
  private static final String RESOURCE = "/openapi.json";

  private final byte[] document;

  public OpenApi() {
    try (InputStream in = OpenApi.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new FileNotFoundException(RESOURCE + " is not on the class path");
      }
      document = in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The description as UTF-8 JSON. */
  public byte[] document() {
    return document.clone();
  }
}
