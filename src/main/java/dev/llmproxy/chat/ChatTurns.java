package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ToolSettings;
import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.Reservation;
import dev.llmproxy.tool.ToolRunner;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;

/**
 * Runs a chat turn by turn: ask the provider, run the tools that the model calls, ask again. The
 * chat ends with an answer, or when it reaches the limit of turns, time or cost.
 */
public final class ChatTurns {
  private final ToolRunner tools;
  private final ToolMemory memory;
  private final LiveRequests live;
  private final int mostTurns;
  private final Duration longest;
  private final BigDecimal mostDollars;

  /** Takes the limits of a chat from the settings. */
  public ChatTurns(ToolRunner tools, ToolMemory memory, LiveRequests live, ToolSettings settings) {
    this(tools, memory, live, settings.chatTurns(), settings.chatTime(), settings.chatDollars());
  }

  /**
   * @param live is told of each tool that starts or ends
   * @param mostTurns the most turns of one chat
   * @param longest no turn begins after this time
   * @param mostDollars no turn begins after this cost in US dollars; empty for no limit
   */
  public ChatTurns(
      ToolRunner tools,
      ToolMemory memory,
      LiveRequests live,
      int mostTurns,
      Duration longest,
      Optional<BigDecimal> mostDollars) {
    this.tools = tools;
    this.memory = memory;
    this.live = live;
    this.mostTurns = mostTurns;
    this.longest = longest;
    this.mostDollars = mostDollars.orElse(null);
  }

  /** Sets the deadline after which no turn begins. */
  public void start(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    context.endIn(longest);
  }

  /** Whether the chat has another step: a turn of the provider, or tools to run. */
  public boolean goesOn(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return chat(context).turns().next() != Turns.Step.NOTHING;
  }

  /** Whether the next step is to run tools, and not to ask the provider. */
  public boolean toolsAsked(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return chat(context).turns().next() == Turns.Step.RUN_TOOLS;
  }

  /** Begins another turn. */
  public void begin(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ChatCall chat = chat(context);
    chat.turns().begin(chat.accumulator().deltas());
  }

  /** Sets the events of the turn, in the form for the client. */
  public void listen(
      @Body ChatEvents provider,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ChatCall chat = chat(context);
    Turns turns = chat.turns();
    turns.events(turns.tools().any() ? new TurnEvents(provider, chat, memory) : provider);
  }

  /** Starts the tools that the model called. */
  public void runTools(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ChatCall chat = chat(context);
    Turns turns = chat.turns();
    turns.events(
        new ToolEvents(
            tools.start(turns.asked(), turns.tools().names(), turns.tooOften()),
            context,
            live,
            () -> afterTools(context)));
  }

  /**
   * The events that end the chat, when the model also called the client's functions or a limit is
   * reached. Otherwise empty.
   */
  private List<ChatEvent> afterTools(RequestContext context) {
    ChatCall chat = chat(context);
    Turns turns = chat.turns();
    if (turns.finish() != null) {
      memory.keep(chat, turns.added());
      return turns.last(chat, turns.finish());
    }
    String limit = limit(chat, context);
    if (limit == null) {
      return List.of();
    }
    String said = "[The answer ends here: it has reached the limit of " + limit + ".]";
    ObjectNode delta = Json.object();
    if (turns.firstWord()) {
      delta.put("role", "assistant");
    }
    delta.put("content", chat.accumulator().content().isEmpty() ? said : "\n\n" + said);
    List<ChatEvent> last = turns.last(chat, turns.chunk(chat, Json.object(), "length"));
    last.addFirst(new ChatEvent.Delta(turns.chunk(chat, delta, null)));
    return last;
  }

  /** The limit that the chat has reached, as text for people; null when there is none. */
  private String limit(ChatCall chat, RequestContext context) {
    Turns turns = chat.turns();
    if (turns.count() == 0) {
      return null;
    }
    if (turns.count() >= mostTurns) {
      return mostTurns + " turns";
    }
    if (context.late()) {
      return longest.toSeconds() + " seconds";
    }
    if (mostDollars != null) {
      BigDecimal cost = chat.cost(turns.used().turns());
      if (cost != null && cost.compareTo(mostDollars) >= 0) {
        return mostDollars.toPlainString() + " US dollars";
      }
    }
    Reservation reservation = context.reservation();
    if (reservation != null && !reservation.coversNextTurn(chat)) {
      return "this month's budget";
    }
    return null;
  }

  private static ChatCall chat(RequestContext context) {
    return context.callAs(ChatCall.class);
  }
}
