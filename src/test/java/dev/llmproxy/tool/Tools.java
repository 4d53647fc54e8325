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

/** A CamelContext with the product's tools and error handling, and with routes of a test. */
final class Tools implements AutoCloseable {
  private final Application application;
  private final Main main = new Main();

  private Tools(Settings settings, Path routes, Map<String, Object> beans) {
    application = Application.open(settings);
    main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    main.bind("application", application);
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
   * @param folder data folder; its routes are loaded too
   * @param settings override the settings of tests
   */
  static Tools start(Path folder, Map<String, String> settings) {
    return start(folder, settings, Map.of());
  }

  /** As {@link #start(Path, Map)}, with another home folder. */
  static Tools startAt(Path home, Path folder, Map<String, String> settings) {
    return start(home, folder, settings, Map.of());
  }

  /** As {@link #start(Path, Map)}, with beans for the routes in the folder. */
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

  /** Names of all tools. */
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

  /** Runs calls; the results are in the order of the calls. */
  List<ToolResult> runAll(List<ToolCall> calls) throws InterruptedException {
    return runAll(runner(), calls);
  }

  /** As {@link #runAll(List)}, with another runner. */
  List<ToolResult> runAll(ToolRunner runner, List<ToolCall> calls) throws InterruptedException {
    Map<ToolCall, ToolResult> results = new HashMap<>();
    Set<String> offered = new HashSet<>(names());
    calls.forEach(call -> offered.add(call.name()));
    try (ToolRun run = runner.start(calls, offered, Set.of())) {
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
