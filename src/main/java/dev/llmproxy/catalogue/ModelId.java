package dev.llmproxy.catalogue;

import dev.llmproxy.base.ShownText;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;

/** Checks the form of model ids, which go into answers, logs, the ledger and sheets. */
final class ModelId {
  private static final int MAX_CHARACTERS = 256;

  private ModelId() {}

  /**
   * Checks that a text can be a model id. The error does not repeat the text.
   *
   * @throws ApiException 400 when the text has more than 256 characters, or invisible ones: control
   *     and format characters, line separators, single surrogates
   */
  static void check(String id) {
    if (id.length() > MAX_CHARACTERS || id.codePoints().anyMatch(ShownText::invisible)) {
      throw OpenAiErrors.invalidValue(
              "model",
              "a model id has at most %d characters and no control characters."
                  .formatted(MAX_CHARACTERS))
          .asException();
    }
  }
}
