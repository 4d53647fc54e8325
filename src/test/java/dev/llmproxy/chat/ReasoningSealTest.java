package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.call.Caller;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReasoningSealTest {
  private static final Caller ANN = new Caller("ann@example.com", "a", "aa11", "free");
  private static final Caller BOB = new Caller("bob@example.com", "b", "bb22", "free");
  private static final String THOUGHT = "First I add 2 and 2 – ½.";

  @TempDir private Path data;

  @Test
  void sealedText_opensForTheSameCallerAndModel_alsoAfterARestart() throws Exception {
    String sealed = ReasoningSeal.of(data).seal(ANN, "p/m", THOUGHT);
    assertThat(sealed).doesNotContain("First");
    assertThat(ReasoningSeal.of(data).open(ANN, "p/m", sealed)).contains(THOUGHT);
  }

  @Test
  void sealedText_doesNotOpenForAnotherCallerOrModelOrServer() throws Exception {
    ReasoningSeal seal = ReasoningSeal.of(data);
    String sealed = seal.seal(ANN, "p/m", THOUGHT);
    assertThat(seal.open(BOB, "p/m", sealed)).isEmpty();
    assertThat(seal.open(ANN, "p/other", sealed)).isEmpty();
    assertThat(new ReasoningSeal(new byte[32]).open(ANN, "p/m", sealed)).isEmpty();
  }

  @Test
  void changedOrForeignText_isEmptyAndNoError() throws Exception {
    ReasoningSeal seal = ReasoningSeal.of(data);
    byte[] changed = Base64.getDecoder().decode(seal.seal(ANN, "p/m", THOUGHT));
    changed[changed.length - 1] ^= 1;
    assertThat(seal.open(ANN, "p/m", Base64.getEncoder().encodeToString(changed))).isEmpty();
    assertThat(seal.open(ANN, "p/m", "")).isEmpty();
    assertThat(seal.open(ANN, "p/m", "no Base64!")).isEmpty();
    assertThat(seal.open(ANN, "p/m", "gAAAAABn")).isEmpty();
    assertThat(ReasoningSeal.isSealed(seal.seal(BOB, "p/other", THOUGHT))).isTrue();
    assertThat(ReasoningSeal.isSealed("gAAAAABn")).isFalse();
  }

  @Test
  void theSecret_isReadableByItsOwnerOnly() throws Exception {
    ReasoningSeal seal = ReasoningSeal.of(data);
    assertThat(Files.getPosixFilePermissions(data.resolve("reasoning.secret")).toString())
        .isEqualTo("[OWNER_READ, OWNER_WRITE]");
    assertThat(seal.open(ANN, "p/m", seal.seal(ANN, "p/m", ""))).contains("");
  }

  @Test
  void aDamagedSecret_isReplaced() throws Exception {
    Files.writeString(data.resolve("reasoning.secret"), "damaged");
    String sealed = ReasoningSeal.of(data).seal(ANN, "p/m", THOUGHT);
    assertThat(ReasoningSeal.of(data).open(ANN, "p/m", sealed)).contains(THOUGHT);
  }
}
