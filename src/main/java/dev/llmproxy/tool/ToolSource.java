package dev.llmproxy.tool;

import java.util.List;

/** Tools that are not declared by routes and may come and go. */
public interface ToolSource {
  /**
   * Those that are there now, as a list that is equal to the one before when nothing has changed.
   */
  List<Tool> tools();
}
