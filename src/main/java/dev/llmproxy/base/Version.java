package dev.llmproxy.base;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The product's version, which Maven copies from pom.xml into a resource. */
public final class Version {
  private static final String CURRENT = read();

  private Version() {}

  /** The version of pom.xml, e.g. {@code 1.2.0}. */
  public static String current() {
    return CURRENT;
  }

  private static String read() {
    Properties properties = new Properties();
    try (InputStream in = Version.class.getResourceAsStream("/dev/llmproxy/version.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }
}
