package dev.llmproxy.tool;

import java.util.List;

/** Tools without routes, which may come and go. */
public interface ToolSource {
  /** The current tools. Equal to the previous list when nothing has changed. */
  List<Tool> tools();
}
