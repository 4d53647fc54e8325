package dev.llmproxy.chat;

import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;
import dev.llmproxy.tool.ToolRun;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.function.Supplier;

/** The chat events of the tools that run between two turns: the start and the result of each. */
final class ToolEvents implements ChatEvents {
  private final ToolRun run;
  private final RequestContext context;
  private final ChatCall chat;
  private final LiveRequests live;
  private final Supplier<List<ChatEvent>> afterwards;
  private final Map<ToolCall, ToolResult> results = new HashMap<>();
  private final Queue<ChatEvent> ready = new ArrayDeque<>();
  private boolean over;

  /**
   * @param live is told of each tool that starts or ends
   * @param afterwards gives the events after the last result; called when the turns have all
   *     results
   */
  ToolEvents(
      ToolRun run,
      RequestContext context,
      LiveRequests live,
      Supplier<List<ChatEvent>> afterwards) {
    this.run = run;
    this.context = context;
    chat = context.callAs(ChatCall.class);
    this.live = live;
    this.afterwards = afterwards;
    chat.turns().toolsBegin();
    for (ToolCall call : chat.turns().asked()) {
      live.toolStarted(context, call.name());
      ready.add(new ChatEvent.ToolCallStart(call));
    }
  }

  @Override
  public boolean hasNext() {
    if (ready.isEmpty() && !run.hasNext() && !over) {
      over = true;
      chat.turns().answer(results);
      ready.addAll(afterwards.get());
    }
    return !ready.isEmpty() || (run.hasNext() && !over);
  }

  @Override
  public ChatEvent next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    if (!ready.isEmpty()) {
      return ready.remove();
    }
    try {
      ToolRun.Finished finished = run.next();
      ToolResult result = finished.result();
      results.put(finished.call(), result);
      live.toolEnded(context, finished.call().name(), !result.failed(), result.duration());
      return new ChatEvent.ToolCallResult(finished.call(), result);
    } catch (InterruptedException e) {
      over = true;
      close();
      throw new ClientGoneException();
    }
  }

  @Override
  public void close() {
    run.close();
  }
}
