package dev.llmproxy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Packages are layers: a package may use those below it, never those above. */
class LayersTest {
  private static final String ROOT = "dev.llmproxy";

  /** From top to bottom. */
  private static final List<String> LAYERS =
      List.of(
          "cli",
          "app",
          "doctor",
          "admin",
          "monitoring",
          "callback",
          "format.openai",
          "format.chat",
          "format.completions",
          "format.responses",
          "format.messages",
          "format.media",
          "gate",
          "routing",
          "provider.anthropic",
          "provider.gemini",
          "provider.openai",
          "provider.local",
          "provider",
          "guard",
          "prompt",
          "cache",
          "conversation",
          "chat",
          "embedding",
          "media",
          "mcp",
          "tool",
          "flush",
          "ledger",
          "migration",
          "keys",
          "workbook",
          "workbook.embedded",
          "call",
          "http",
          "attempt",
          "catalogue",
          "error",
          "local",
          "local.embedding",
          "redis",
          "base");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  static Stream<Arguments> layersWithThoseAbove() {
    return IntStream.range(1, LAYERS.size())
        .mapToObj(i -> Arguments.of(LAYERS.get(i), LAYERS.subList(0, i)));
  }

  @MethodSource("layersWithThoseAbove")
  @ParameterizedTest(name = "{0}")
  void layersDoNotUseLayersAbove(String layer, List<String> above) {
    noClasses()
        .that()
        .resideInAPackage(ROOT + "." + layer)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(above.stream().map(name -> ROOT + "." + name).toArray(String[]::new))
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching(ROOT + ".(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void everyPackageIsALayer() {
    assertThat(CLASSES.stream().map(JavaClass::getPackageName).distinct())
        .containsExactlyInAnyOrderElementsOf(
            LAYERS.stream().map(name -> ROOT + "." + name).toList());
  }
}
