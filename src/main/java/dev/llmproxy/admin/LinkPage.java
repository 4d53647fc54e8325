package dev.llmproxy.admin;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.apache.camel.Body;

/** The page with the button that uses a one-time link: the resource {@code admin-link.html}. */
public final class LinkPage {
  private static final String RESOURCE = "/admin-link.html";
  private static final String PLACE = "TOKEN";

  private final String page;

  public LinkPage() {
    try (InputStream in = LinkPage.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new FileNotFoundException(RESOURCE + " is not on the class path");
      }
      page = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The page for a token.
   *
   * @param token letters, digits, - and _ only
   */
  public String html(@Body String token) {
    return page.replace(PLACE, token);
  }
}
