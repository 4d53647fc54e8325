package dev.llmproxy.workbook.embedded;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** Serves a workbook until the process is ended: {@code EmbeddedWorkbookMain FOLDER PORT}. */
public final class EmbeddedWorkbookMain {
  private EmbeddedWorkbookMain() {}

  /** Opens the workbook of the folder in the first argument on the port in the second. */
  public static void main(String[] arguments) throws Exception {
    EmbeddedWorkbook workbook =
        EmbeddedWorkbook.open(Path.of(arguments[0]), Integer.parseInt(arguments[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(workbook::close));
    System.out.println(workbook.rootUrl());
    new CountDownLatch(1).await();
  }
}
