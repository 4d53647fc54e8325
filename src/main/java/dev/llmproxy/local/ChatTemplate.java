package dev.llmproxy.local;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Converts messages to token ids with ChatML, the {@code tokenizer.chat_template} of the model. */
final class ChatTemplate {
  private static final ChatMessage DEFAULT_SYSTEM =
      new ChatMessage(
          "system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face");

  private final Tokenizer tokenizer;

  ChatTemplate(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** The prompt for the assistant's next message. */
  int[] prompt(List<ChatMessage> messages) {
    List<ChatMessage> all = new ArrayList<>(messages);
    if (all.isEmpty() || !all.get(0).role().equals("system")) {
      all.add(0, DEFAULT_SYSTEM);
    }
    IntStream.Builder prompt = IntStream.builder();
    for (ChatMessage message : all) {
      prompt.add(tokenizer.control("<|im_start|>"));
      addText(prompt, message.role() + "\n" + message.content());
      prompt.add(tokenizer.control("<|im_end|>"));
      addText(prompt, "\n");
    }
    prompt.add(tokenizer.control("<|im_start|>"));
    addText(prompt, "assistant\n");
    return prompt.build().toArray();
  }

  private void addText(IntStream.Builder prompt, String text) {
    for (int token : tokenizer.encode(text)) {
      prompt.add(token);
    }
  }
}
