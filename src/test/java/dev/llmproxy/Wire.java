package dev.llmproxy;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the rules of the wire contract that a test checks, by their ids in docs/wire-contract.md.
 * Tests in other languages use a comment or docstring, e.g. {@code wire 5.6, 6.401}. {@link
 * WireContractTest} reads both.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.SOURCE)
public @interface Wire {
  /** Ids of rules, e.g. {@code 5.3}. */
  String[] value();
}
