package dev.llmproxy.format.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.http.Reply;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Answers an embedding request with one JSON object. */
public final class EmbeddingSink {
  /**
   * Writes the answer.
   *
   * @param answer OpenAI's list of embeddings, or a list with a {@link ChatEvent.Failed}
   */
  public void write(
      @Body Object answer,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    Reply reply = context.answering(exchange);
    if (answer instanceof List<?> events && events.getFirst() instanceof ChatEvent.Failed failed) {
      reply.error(failed.error());
    } else {
      reply.json(200, (ObjectNode) answer);
    }
  }
}
