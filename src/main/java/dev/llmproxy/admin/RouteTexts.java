package dev.llmproxy.admin;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.CamelContext;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.LifecycleStrategySupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The texts of the files from which the routes were loaded. They are read beside the first requests
 * after the start, so that a later edit of a file does not show a text that does not run.
 */
final class RouteTexts {
  private static final Logger LOG = LoggerFactory.getLogger(RouteTexts.class);

  private final CompletableFuture<Map<String, String>> texts = new CompletableFuture<>();

  /** Reads the files when the context has started. */
  RouteTexts(CamelContext context) {
    context.addLifecycleStrategy(
        new LifecycleStrategySupport() {
          @Override
          public void onContextStarted(CamelContext started) {
            Thread.ofVirtual().name("route-texts").start(() -> texts.complete(read(started)));
          }
        });
  }

  /** The text of the route's file; empty when it comes from no file, or could not be read. */
  String of(RouteDefinition route) {
    Resource resource = route.getResource();
    return resource == null ? "" : texts.join().getOrDefault(resource.getLocation(), "");
  }

  private static Map<String, String> read(CamelContext context) {
    Map<String, String> texts = new ConcurrentHashMap<>();
    for (RouteDefinition route : ((ModelCamelContext) context).getRouteDefinitions()) {
      Resource resource = route.getResource();
      if (resource != null) {
        texts.computeIfAbsent(resource.getLocation(), location -> read(resource));
      }
    }
    return texts;
  }

  private static String read(Resource resource) {
    try (var in = resource.getInputStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      LOG.warn("{} cannot be read for the page Routes: {}", resource.getLocation(), e.toString());
      return "";
    }
  }
}
