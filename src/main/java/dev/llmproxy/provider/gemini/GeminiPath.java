package dev.llmproxy.provider.gemini;

import dev.llmproxy.catalogue.Target;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** The paths of Gemini's API, in which the model is a part. */
final class GeminiPath {
  private GeminiPath() {}

  /**
   * The path of a method.
   *
   * @param method the method's name, perhaps with a query
   */
  static String of(Target target, String method) {
    return "/" + model(target) + ":" + method;
  }

  /** The model's resource name, e.g. {@code models/gemini-2.5-flash}. */
  static String model(Target target) {
    String model = target.upstreamModel();
    String encoded =
        URLEncoder.encode(model, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
    return encoded.startsWith("models/") || encoded.startsWith("tunedModels/")
        ? encoded
        : "models/" + encoded;
  }
}
