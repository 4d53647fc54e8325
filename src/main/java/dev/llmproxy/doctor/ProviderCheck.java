package dev.llmproxy.doctor;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.catalogue.ModelListing;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.provider.ProviderClient;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Checks which providers are on and, when asked to, whether they accept their keys. */
final class ProviderCheck {
  private static final String CHECK = "provider";

  private final Settings settings;
  private final boolean online;

  ProviderCheck(Settings settings, boolean online) {
    this.settings = settings;
    this.online = online;
  }

  List<Finding> run() {
    List<Finding> findings = new ArrayList<>();
    boolean any = false;
    for (Provider provider : new ProviderCatalogue(settings).providers()) {
      any |= provider.on();
      if (!provider.on()) {
        findings.add(Finding.ok(CHECK, provider.name() + " is off: " + provider.off()));
      } else if (provider.baseUrl().isEmpty()) {
        findings.add(model());
      } else {
        findings.add(online ? ask(provider) : Finding.ok(CHECK, provider.name() + " is on"));
      }
    }
    if (!any) {
      findings.add(
          Finding.problem(
              CHECK,
              "no provider is on",
              "Set a provider's key, e.g. OPENAI_API_KEY, or LOCAL_MODEL = on"));
    }
    return findings;
  }

  private Finding model() {
    Path file = settings.home().resolve(settings.text("LOCAL_MODEL_FILE"));
    try (InputStream weights = Files.newInputStream(file)) {
      String magic = new String(weights.readNBytes(4), StandardCharsets.US_ASCII);
      return magic.equals("GGUF")
          ? Finding.ok("model", "local: " + file)
          : Finding.problem(
              "model", file + " is not a GGUF file", "Run make model, or set LOCAL_MODEL = off");
    } catch (IOException e) {
      return Finding.problem(
          "model", file + " is missing", "Run make model, or set LOCAL_MODEL = off");
    }
  }

  private Finding ask(Provider provider) {
    String name = provider.name();
    try (ProviderClient client = new ProviderClient(settings)) {
      HttpResponse<String> answer = client.page(provider);
      return switch (answer.statusCode()) {
        case 200 -> Finding.ok(CHECK, name + " answers" + models(answer.body()));
        case 401, 403 ->
            Finding.problem(
                CHECK,
                "%s refuses the key (%d)".formatted(name, answer.statusCode()),
                "Set " + provider.keySetting() + " to a valid key of this provider");
        default ->
            Finding.warning(
                CHECK,
                "%s answers GET /models with %d".formatted(name, answer.statusCode()),
                "Check "
                    + provider.setting("BASE_URL")
                    + "; ignore this if the server has no list of models");
      };
    } catch (IOException | IllegalArgumentException e) {
      return Finding.problem(
          CHECK,
          name + " cannot be reached",
          "Check the network and " + provider.setting("BASE_URL"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Finding.problem(CHECK, name + " was not checked: interrupted", "Try again");
    }
  }

  private static String models(String body) {
    try {
      return ", " + ModelListing.of(Json.parse(body)).models().size() + " models";
    } catch (JsonProcessingException | IllegalArgumentException e) {
      return "";
    }
  }
}
