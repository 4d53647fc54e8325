package dev.llmproxy.tool;

import dev.llmproxy.app.Application;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.main.Main;
import org.apache.camel.main.SimpleMainShutdownStrategy;

/** A CamelContext with the product's tools, its error handling, and routes of a test's. */
final class Tools implements AutoCloseable {
  private final Application application;
  private final Main main = new Main();

  private Tools(Settings settings, Path routes, Map<String, Object> beans) {
    application = Application.open(settings);
    main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    beans.forEach(main::bind);
    main.setPropertyPlaceholderLocations("file:application.properties");
    Properties values = new Properties();
    values.putAll(settings.asMap());
    main.setOverrideProperties(values);
    main.configure()
        .withRoutesIncludePattern(
            "file:routes/beans.camel.yaml,file:routes/errors.camel.yaml,file:routes/tool-*.camel.yaml,file:routes/mcp-*.camel.yaml,file:routes/search-*.camel.yaml,file:%s/*.camel.yaml"
                .formatted(routes));
    try {
      main.start();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * @param folder for data; routes in it are taken too
   * @param settings over those of tests
   */
  static Tools start(Path folder, Map<String, String> settings) {
    return start(folder, settings, Map.of());
  }

  /** As {@link #start(Path, Map)}, with a home of one's own. */
  static Tools startAt(Path home, Path folder, Map<String, String> settings) {
    return start(home, folder, settings, Map.of());
  }

  /** As {@link #start(Path, Map)}, with what the routes in the folder call by name. */
  static Tools start(Path folder, Map<String, String> settings, Map<String, Object> beans) {
    return start(Path.of(""), folder, settings, beans);
  }

  private static Tools start(
      Path home, Path folder, Map<String, String> settings, Map<String, Object> beans) {
    Map<String, String> environment = new HashMap<>();
    environment.put("LLMPROXY_DATA", folder.resolve("data").toString());
    environment.put("LOCAL_MODEL", "off");
    environment.putAll(settings);
    return new Tools(Settings.load(home, environment), folder, beans);
  }

  ToolCatalogue catalogue() {
    return context().getRegistry().lookupByNameAndType("toolCatalogue", ToolCatalogue.class);
  }

  ToolRunner runner() {
    return context().getRegistry().lookupByNameAndType("toolRunner", ToolRunner.class);
  }

  /** Of all tools there are. */
  Set<String> names() {
    return catalogue().tools().stream().map(Tool::name).collect(Collectors.toSet());
  }

  CamelContext context() {
    return main.getCamelContext();
  }

  /** Runs a tool with one argument. */
  ToolResult run(String name, String argument, String value) throws InterruptedException {
    return run(new ToolCall("call_1", name, Json.text(Json.object().put(argument, value))));
  }

  ToolResult run(ToolCall call) throws InterruptedException {
    return runAll(List.of(call)).getFirst();
  }

  /** Runs calls and gives their results in the order of the calls. */
  List<ToolResult> runAll(List<ToolCall> calls) throws InterruptedException {
    return runAll(runner(), calls);
  }

  /** As {@link #runAll(List)}, with a runner of one's own. */
  List<ToolResult> runAll(ToolRunner runner, List<ToolCall> calls) throws InterruptedException {
    Map<ToolCall, ToolResult> results = new HashMap<>();
    Set<String> offered = new HashSet<>(names());
    calls.forEach(call -> offered.add(call.name()));
    try (ToolRun run = runner.start(calls, offered)) {
      while (run.hasNext()) {
        ToolRun.Finished finished = run.next();
        results.put(finished.call(), finished.result());
      }
    }
    return calls.stream().map(results::get).toList();
  }

  @Override
  public void close() {
    main.stop();
    application.close();
  }
}
