package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.base.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GoldenTest {
  private static final String LIST = "[\n  {\"a\": 1.50, \"b\": [1, {}]}\n]\n";

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void writeFile() throws IOException {
    file = folder.resolve("case.json");
    Files.writeString(file, LIST);
  }

  @Test
  void equalResultsPassInBothModesAndLeaveTheFile() throws IOException {
    for (boolean write : new boolean[] {true, false}) {
      new Golden(write, false).check(file, Json.parse("[{\"b\":[1,{}],\"a\":1.50}]"));
    }
    assertThat(file).hasContent(LIST);
  }

  @Test
  void differencesFailAndLeaveTheFile() {
    assertThatThrownBy(() -> new Golden(false, false).check(file, Json.parse("[]")))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("make golden");
    assertThat(file).hasContent(LIST);
  }

  @Test
  void writeModeWritesTheFileOnceAndFails() throws IOException {
    Golden golden = new Golden(true, false);
    String list = "[{\"a\":1.5,\"b\":[1,2]},{}]";

    assertThatThrownBy(() -> golden.check(file, Json.parse(list)))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("git diff");

    assertThat(file).hasContent("[\n  {\"a\": 1.5, \"b\": [1, 2]},\n  {}\n]\n");
    golden.check(file, Json.parse(list));
  }

  @Test
  void writeModeWritesAMissingFile() {
    Path missing = folder.resolve("new.json");

    assertThatThrownBy(() ->
            new Golden(true, false).check(missing, Json.parse("{\"b\":{\"c\":[1]},\"a\":{}}")))
        .isInstanceOf(AssertionError.class);

    assertThat(missing)
        .hasContent("{\n  \"b\": {\n    \"c\": [\n      1\n    ]\n  },\n  \"a\": {}\n}\n");
  }

  @Test
  void writeModeFailsOnACiServerAndLeavesTheFile() {
    assertThatThrownBy(() -> new Golden(true, true).check(file, Json.parse("[]")))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("CI");
    assertThat(file).hasContent(LIST);
  }
}
