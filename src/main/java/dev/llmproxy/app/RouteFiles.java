package dev.llmproxy.app;

import dev.llmproxy.base.Problem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.RouteConfigurationsBuilder;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.spi.Resource;
import org.apache.camel.spi.RoutesLoader;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;

/**
 * Loads files with routes in the order of Camel's own loader: beans of all files, their
 * configurations, their routes. A file that cannot be read does not hide the mistakes of the
 * others.
 */
final class RouteFiles {
  /** The one file of routes/ that only {@code camel run} loads. */
  private static final String FOR_CAMEL_RUN = "application.camel.yaml";

  private final Path home;
  private final List<Path> files;
  private final Map<Path, Problem> problems = new LinkedHashMap<>();
  private final Map<Path, Collection<RoutesBuilder>> builders = new LinkedHashMap<>();
  private final List<Problem> sameIds = new ArrayList<>();
  private CamelContext context;

  /** A step of loading a file. */
  private interface Step {
    void run() throws Exception;
  }

  /**
   * @param home the folder with routes/
   * @param optional files of routes/optional/
   */
  RouteFiles(Path home, Collection<Path> optional) throws IOException {
    this.home = home;
    files = new ArrayList<>();
    try (Stream<Path> all = Files.list(home.resolve("routes"))) {
      all.filter(file -> file.getFileName().toString().endsWith(".camel.yaml"))
          .filter(file -> !file.getFileName().toString().equals(FOR_CAMEL_RUN))
          .sorted()
          .forEach(files::add);
    }
    files.addAll(optional);
  }

  /** The files of the application's home folder. */
  static RouteFiles of(Application application) {
    try {
      return new RouteFiles(application.settings().home(), application.values().routes().files());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Has a Main load the files. A later listener of the Main finds the routes in its context.
   *
   * @param required whether a problem ends its start with a {@link RoutesException}
   */
  void loadInto(Main main, boolean required) {
    main.configure().withRoutesIncludePattern("false");
    main.addMainListener(
        new MainListenerSupport() {
          @Override
          public void beforeConfigure(BaseMainSupport starting) {
            // Properties of components may name beans of the files.
            read(starting.getCamelContext());
          }

          @Override
          public void afterConfigure(BaseMainSupport starting) {
            add();
            if (required && !problems().isEmpty()) {
              throw new RoutesException(problems(), null);
            }
          }
        });
  }

  /** The names of the files that could not be read, without their ending. */
  Set<String> unread() {
    return problems.keySet().stream()
        .map(file -> file.getFileName().toString().replaceFirst("\\.camel\\.yaml$", ""))
        .collect(Collectors.toSet());
  }

  /** The problems of the files, at most one for each; empty before Camel has called this. */
  List<Problem> problems() {
    List<Problem> all = new ArrayList<>(problems.values());
    all.addAll(sameIds);
    return all;
  }

  private void read(CamelContext starting) {
    context = starting;
    RoutesLoader loader = PluginHelper.getRoutesLoader(context);
    for (Path file : files) {
      Resource resource = ResourceHelper.resolveResource(context, "file:" + file);
      load(file, () -> builders.put(file, loader.findRoutesBuilders(resource)));
    }
  }

  private void add() {
    builders.forEach((file, ofFile) -> load(file, () -> addConfigurations(ofFile)));
    builders.forEach((file, ofFile) -> load(file, () -> addRoutes(ofFile)));
  }

  private void addConfigurations(Collection<RoutesBuilder> ofFile) throws Exception {
    for (RoutesBuilder builder : ofFile) {
      if (builder instanceof RouteConfigurationsBuilder configurations) {
        context.addRoutesConfigurations(configurations);
      }
    }
  }

  private void addRoutes(Collection<RoutesBuilder> ofFile) throws Exception {
    for (RoutesBuilder builder : ofFile) {
      List<RouteDefinition> before = definitions();
      context.addRoutes(builder);
      noteSameIds(before);
    }
  }

  private void load(Path file, Step step) {
    if (problems.containsKey(file)) {
      return;
    }
    try {
      step.run();
    } catch (Exception e) {
      problems.put(file, new RouteProblem(home).of(e, file));
    }
  }

  /** Notes the routes that this file has replaced: Camel keeps the last one of an id. */
  private void noteSameIds(List<RouteDefinition> before) {
    List<RouteDefinition> now = definitions();
    for (RouteDefinition replaced : before) {
      if (!now.contains(replaced)) {
        now.stream()
            .filter(each -> each.getRouteId().equals(replaced.getRouteId()))
            .findFirst()
            .ifPresent(other -> sameIds.add(sameId(other, replaced)));
      }
    }
  }

  private static Problem sameId(RouteDefinition route, RouteDefinition other) {
    return new Problem(
        file(route),
        Math.max(0, route.getLineNumber()),
        "two routes have the id %s; the other one is in %s"
            .formatted(route.getRouteId(), file(other)));
  }

  private List<RouteDefinition> definitions() {
    return List.copyOf(((ModelCamelContext) context).getRouteDefinitions());
  }

  /** The path of a route's file; null for a route from no file. */
  static String file(RouteDefinition route) {
    return route.getResource() == null
        ? null
        : route.getResource().getLocation().replaceFirst("^file:", "");
  }
}
