// Package before343 tests the last openai-go that ends an event at every empty line, also after a comment, and then fails.
// Its settings are environment variables, which ../../run sets.
package before343

import (
	"context"
	"os"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

func streamed(t *testing.T, params openai.ChatCompletionNewParams, options ...option.RequestOption) string {
	t.Helper()
	for _, name := range []string{"LLMPROXY_BASE_URL", "LLMPROXY_KEY", "LLMPROXY_SCRIPTED_MODEL"} {
		if os.Getenv(name) == "" {
			t.Fatal(name + " is not set: start the tests with sdk-tests/run")
		}
	}
	client := openai.NewClient(option.WithBaseURL(os.Getenv("LLMPROXY_BASE_URL")), option.WithAPIKey(os.Getenv("LLMPROXY_KEY")), option.WithMaxRetries(0))
	params.Model = os.Getenv("LLMPROXY_SCRIPTED_MODEL")
	chunks, text := client.Chat.Completions.NewStreaming(context.Background(), params, options...), ""
	defer chunks.Close()
	for chunks.Next() {
		for _, choice := range chunks.Current().Choices {
			text += choice.Delta.Content
		}
	}
	if chunks.Err() != nil {
		t.Fatalf("after %q: %v", text, chunks.Err())
	}
	return text
}

func asking(message string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(message)}}
}

// wire 1.3, 1.3c
func TestSilentProviderIsNotGivenUp(t *testing.T) {
	if text := streamed(t, asking("[[script chunks=2 gap=6500]]")); text != "word1 word2" {
		t.Fatalf("got %q", text)
	}
}

// wire 1.1comment, 1.3c
func TestNotificationsAsComments(t *testing.T) {
	params := asking(`[[script say='Let me look.' calls='web_search {"query": "camels"}']]`)
	params.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "web_search"})}
	text := streamed(t, params, option.WithHeader("X-Tool-Notifications", "comment"))
	if len(text) < 40 || text[:12] != "Let me look." {
		t.Fatalf("got %q", text)
	}
}
