package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.Caller;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.ReasoningSeal;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A request in Anthropic's format that is being translated.
 *
 * @param body the request; never changed
 * @param model the model's name, without the mark for a long context
 * @param target the model that is asked first
 * @param seal opens the reasoning of earlier answers
 * @param drops takes the names of things that no provider gets, e.g. {@code tools.bash_20250124}
 * @param counted whether the prompt is only counted; then all reasoning is part of it
 */
record Asked(
    ObjectNode body,
    String model,
    Caller caller,
    Target target,
    ReasoningSeal seal,
    Consumer<String> drops,
    boolean counted) {
  /** The wire format of providers that get the request as it is. */
  static final String WIRE_FORMAT = "anthropic";

  /** Whether the request is sent without a translation. */
  boolean passes() {
    return target.provider().format().equals(WIRE_FORMAT);
  }

  /** Names a thing that no provider gets. */
  void drop(String kind) {
    drops.accept(kind);
  }

  /** The reasoning in a signature of this server; empty for another signature. */
  Optional<String> opened(String signature) {
    return signature.isEmpty() ? Optional.empty() : seal.open(caller, model, signature);
  }
}
