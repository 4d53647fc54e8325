// Package sdktests tests openai-go with a started gateway. Its settings are environment variables, which ../run sets.
package sdktests

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

var (
	ctx    = context.Background()
	model  = required("LLMPROXY_SCRIPTED_MODEL")
	client = clientWith(required("LLMPROXY_KEY"))
	object = map[string]any{
		"type":       "object",
		"properties": map[string]any{"city": map[string]any{"type": "string"}, "people": map[string]any{"type": "integer"}},
	}
	getWeather = openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "get_weather", Parameters: object})
)

func required(name string) string {
	if os.Getenv(name) == "" {
		panic(name + " is not set: start the tests with sdk-tests/run")
	}
	return os.Getenv(name)
}

// Without retries, so that a test sees the first answer.
func clientWith(key string) openai.Client {
	return openai.NewClient(option.WithBaseURL(required("LLMPROXY_BASE_URL")), option.WithAPIKey(key), option.WithMaxRetries(0))
}

func ask(message string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(message)},
	}
}

func equal[T comparable](t *testing.T, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Fatalf("%s: got %v, wanted %v", what, got, wanted)
	}
}

// The stream accumulated as in the README, the pieces of its text, and the parts that the accumulator reported as finished.
func stream(t *testing.T, params openai.ChatCompletionNewParams, options ...option.RequestOption) (openai.ChatCompletionAccumulator, string, []string, error) {
	t.Helper()
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	chunks := client.Chat.Completions.NewStreaming(ctx, params, options...)
	defer chunks.Close()
	whole, text, finished := openai.ChatCompletionAccumulator{}, "", []string{}
	for chunks.Next() {
		equal(t, "accumulated", whole.AddChunk(chunks.Current()), true)
		if content, ok := whole.JustFinishedContent(); ok {
			finished = append(finished, content)
		}
		if call, ok := whole.JustFinishedToolCall(); ok {
			finished = append(finished, call.Name+call.Arguments)
		}
		if len(chunks.Current().Choices) > 0 {
			text += chunks.Current().Choices[0].Delta.Content
		}
	}
	return whole, text, finished, chunks.Err()
}

func whole(t *testing.T, params openai.ChatCompletionNewParams) openai.ChatCompletionMessage {
	t.Helper()
	completion, err := client.Chat.Completions.New(ctx, params)
	if err != nil {
		t.Fatal(err)
	}
	return completion.Choices[0].Message
}

func TestListsModels(t *testing.T) {
	ids := []string{}
	models := client.Models.ListAutoPaging(ctx)
	for models.Next() {
		ids = append(ids, models.Current().ID)
	}
	if models.Err() != nil {
		t.Fatal(models.Err())
	}
	for _, id := range []string{"openai/gpt-4o-mini", "openai/text-embedding-3-small"} {
		if !slices.Contains(ids, id) {
			t.Fatalf("%s is not among %v", id, ids)
		}
	}
}

func TestRetrievesAModelWithASlashInItsID(t *testing.T) {
	equal(t, "slash", strings.Contains(model, "/"), true)
	retrieved, err := client.Models.Get(ctx, model)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "id", retrieved.ID, model)
	_, err = client.Models.Get(ctx, "nowhere/at-all")
	equal(t, "status of an unknown model", refusal(t, err).StatusCode, 404)
}

func TestChat(t *testing.T) {
	completion, err := client.Chat.Completions.New(ctx, ask("hello there"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "content", completion.Choices[0].Message.Content, "You said: hello there")
	equal(t, "total tokens", completion.Usage.TotalTokens, 6)
	equal(t, "model", completion.Model, model)
}

func TestStreamsAsInTheReadme(t *testing.T) {
	chunks, text := client.Chat.Completions.NewStreaming(ctx, ask("hello there")), ""
	defer chunks.Close()
	for chunks.Next() {
		text += chunks.Current().Choices[0].Delta.Content
	}
	if chunks.Err() != nil {
		t.Fatal(chunks.Err())
	}
	equal(t, "text", text, "You said: hello there")
}

func TestStreamWithUsage(t *testing.T) {
	whole, text, finished, err := stream(t, ask("hello there"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "text", text, "You said: hello there")
	equal(t, "accumulated", whole.Choices[0].Message.Content, text)
	equal(t, "finished", strings.Join(finished, ";"), text)
	equal(t, "finish reason", whole.Choices[0].FinishReason, "stop")
	equal(t, "model", whole.Model, model)
	equal(t, "total tokens", whole.Usage.TotalTokens, 6)
}

func TestToolRoundTripWithStreamedArguments(t *testing.T) {
	params := ask("What is the weather? [[script tools=2]]")
	params.Tools = []openai.ChatCompletionToolUnionParam{getWeather}
	streamed, _, finished, err := stream(t, params)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "finished", strings.Join(finished, ";"), `get_weather{"location": "Paris"};get_weather{"location": "Rome"}`)
	equal(t, "finish reason", streamed.Choices[0].FinishReason, "tool_calls")
	message := streamed.Choices[0].Message
	params.Messages = append(params.Messages, message.ToParam())
	asked := ""
	for _, call := range message.ToolCalls {
		var arguments struct{ Location string }
		if err := json.Unmarshal([]byte(call.Function.Arguments), &arguments); err != nil {
			t.Fatal(err)
		}
		asked += call.Function.Name + " " + arguments.Location + ";"
		params.Messages = append(params.Messages, openai.ToolMessage("sunny", call.ID))
	}
	equal(t, "asked", asked, "get_weather Paris;get_weather Rome;")
	equal(t, "answer", whole(t, params).Content, "The tool said: sunny")
}

const searchScript = `[[script say='Let me look.' calls='web_search {"query": "camels"}%s']]`
const foundURL = "https://example.com/found"
const foundAnswer = "Let me look.\n\nThe tool said: " +
	`{"engine":"searxng","results":[{"title":"searxng on camels","url":"` + foundURL + `","snippet":"camels & more"}]}`

// A question for which the server searches the web. The SDK has no type for the tool, so it is a function without parameters.
func search(afterwards string, own ...openai.ChatCompletionToolUnionParam) openai.ChatCompletionNewParams {
	params := ask("What are camels? " + fmt.Sprintf(searchScript, afterwards))
	params.Tools = append(own, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "web_search"}))
	return params
}

func inEachMode(t *testing.T, test func(t *testing.T, mode string, told option.RequestOption)) {
	for _, mode := range []string{"hybrid", "comment", "off"} {
		t.Run(mode, func(t *testing.T) { test(t, mode, option.WithHeader("X-Tool-Notifications", mode)) })
	}
}

type notification struct {
	Tool, Status, Query, Result string
	CallID                      string `json:"call_id"`
	DurationMs                  *int   `json:"duration_ms"`
}

func showsOneSearch(t *testing.T, mode string, shown []notification) {
	t.Helper()
	if mode != "hybrid" {
		equal(t, "shown", len(shown), 0)
		return
	}
	equal(t, "shown", len(shown), 2)
	id := shown[0].CallID
	equal(t, "call id", id != "", true)
	equal(t, "started", shown[0], notification{Tool: "web_search", Status: "started", Query: "camels", CallID: id})
	equal(t, "duration", shown[1].DurationMs != nil, true)
	shown[1].DurationMs = nil
	equal(t, "completed", shown[1], notification{"web_search", "completed", "camels", "1 result from searxng", id, nil})
}

func TestServerToolStreamsAsInTheReadme(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode string, told option.RequestOption) {
		chunks := client.Chat.Completions.NewStreaming(ctx, search("", getWeather), told)
		defer chunks.Close()
		text, finished, cited, shown := "", "", 0, []notification{}
		for chunks.Next() {
			choice := chunks.Current().Choices[0]
			text += choice.Delta.Content
			finished += choice.FinishReason
			equal(t, "calls", len(choice.Delta.ToolCalls), 0)
			cited += strings.Count(choice.Delta.JSON.ExtraFields["annotations"].Raw(), foundURL)
			var fields notification
			if err := json.Unmarshal([]byte(chunks.Current().RawJSON()), &fields); err != nil {
				t.Fatal(err)
			}
			if fields.Tool != "" {
				shown = append(shown, fields)
			}
		}
		if chunks.Err() != nil {
			t.Fatal(chunks.Err())
		}
		equal(t, "text", text, foundAnswer)
		equal(t, "finish reasons", finished, "stop")
		equal(t, "citations", cited, 1)
		showsOneSearch(t, mode, shown)
	})
}

func TestServerToolAccumulates(t *testing.T) {
	inEachMode(t, func(t *testing.T, _ string, told option.RequestOption) {
		whole, text, finished, err := stream(t, search("", getWeather), told)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "text", text, foundAnswer)
		equal(t, "accumulated", whole.Choices[0].Message.Content, foundAnswer)
		// The accumulator also reports the text before a notification as finished.
		equal(t, "finished", finished[len(finished)-1], foundAnswer)
		equal(t, "calls", len(whole.Choices[0].Message.ToolCalls), 0)
		equal(t, "finish reason", whole.Choices[0].FinishReason, "stop")
		equal(t, "total tokens of both turns", whole.Usage.TotalTokens, 40)
	})
}

func TestServerToolWithoutStreaming(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode string, told option.RequestOption) {
		completion, err := client.Chat.Completions.New(ctx, search(""), told)
		if err != nil {
			t.Fatal(err)
		}
		message := completion.Choices[0].Message
		equal(t, "content", message.Content, foundAnswer)
		equal(t, "calls", len(message.ToolCalls), 0)
		equal(t, "finish reason", completion.Choices[0].FinishReason, "stop")
		equal(t, "total tokens of both turns", completion.Usage.TotalTokens, 40)
		equal(t, "citations", len(message.Annotations), 1)
		citation := message.Annotations[0].URLCitation
		equal(t, "cited", citation.URL, foundURL)
		equal(t, "cited there", foundAnswer[citation.StartIndex:citation.EndIndex], foundURL)
		shown := []notification{}
		if listed, ok := completion.JSON.ExtraFields["tool_notifications"]; ok {
			if err := json.Unmarshal([]byte(listed.Raw()), &shown); err != nil {
				t.Fatal(err)
			}
		}
		showsOneSearch(t, mode, shown)
	})
}

func TestServerToolThenClientsFunction(t *testing.T) {
	inEachMode(t, func(t *testing.T, _ string, told option.RequestOption) {
		params := search(` | get_weather {"location": "Paris"}`, getWeather)
		streamed, _, finished, err := stream(t, params, told)
		if err != nil {
			t.Fatal(err)
		}
		message := streamed.Choices[0].Message
		equal(t, "finish reason", streamed.Choices[0].FinishReason, "tool_calls")
		equal(t, "calls", len(message.ToolCalls), 1)
		equal(t, "call", finished[len(finished)-1], `get_weather{"location": "Paris"}`)
		params.Messages = append(params.Messages, message.ToParam(), openai.ToolMessage("sunny", message.ToolCalls[0].ID))
		_, text, _, err := stream(t, params, told)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "answer", text, "The tool said: sunny")
	})
}

func TestJSONSchema(t *testing.T) {
	params := ask("[[script json=1]]")
	params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
		JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "city", Schema: object, Strict: openai.Bool(true)},
	}
	equal(t, "answer", whole(t, params).Content, `{"city": "Paris", "people": 42}`)
}

func embeddings(texts []string, format openai.EmbeddingNewParamsEncodingFormat) (*openai.CreateEmbeddingResponse, error) {
	input := openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: texts}
	return client.Embeddings.New(ctx, openai.EmbeddingNewParams{Model: model, Input: input, EncodingFormat: format})
}

// The SDK requests no encoding by default, and does not decode base64.
func TestEmbeddings(t *testing.T) {
	texts := []string{"one", "two"}
	vectors, err := embeddings(texts, "")
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := embeddings(texts, openai.EmbeddingNewParamsEncodingFormatBase64)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "vectors", len(vectors.Data), 2)
	for i, vector := range vectors.Data {
		equal(t, "index", vector.Index, int64(i))
		equal(t, "length", len(vector.Embedding), 8)
		var bytes []byte
		if err := json.Unmarshal([]byte(encoded.Data[i].JSON.Embedding.Raw()), &bytes); err != nil {
			t.Fatal(err)
		}
		for k, number := range vector.Embedding {
			equal(t, "number", float32(number), math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*k:])))
		}
	}
	equal(t, "model", vectors.Model, model)
	equal(t, "total tokens", vectors.Usage.TotalTokens, 6)

	_, err = embeddings([]string{}, "")
	equal(t, "param of a refusal", refusal(t, err).Param, "input")
}

func refusal(t *testing.T, err error) *openai.Error {
	t.Helper()
	var refused *openai.Error
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return refused
}

func TestErrors(t *testing.T) {
	unknown, invalid, empty := ask("hi"), ask("hi"), ask("hi")
	unknown.Model = "nowhere/at-all"
	invalid.Temperature = openai.Float(9)
	empty.Messages = []openai.ChatCompletionMessageParamUnion{}
	for _, row := range []struct {
		what   string
		client openai.Client
		params openai.ChatCompletionNewParams
		status int
		code   string
		param  string
	}{
		{"bad key", clientWith("sk-nobody"), ask("hi"), 401, "invalid_api_key", ""},
		{"unknown model", client, unknown, 404, "model_not_found", "model"},
		{"invalid temperature", client, invalid, 400, "invalid_value", "temperature"},
		{"no messages", client, empty, 400, "invalid_value", "messages"},
	} {
		t.Run(row.what, func(t *testing.T) {
			_, err := row.client.Chat.Completions.New(ctx, row.params)
			chunks := row.client.Chat.Completions.NewStreaming(ctx, row.params)
			equal(t, "a chunk", chunks.Next(), false)
			for _, err := range []error{err, chunks.Err()} {
				refused := refusal(t, err)
				equal(t, "status", refused.StatusCode, row.status)
				equal(t, "code", refused.Code, row.code)
				equal(t, "param", refused.Param, row.param)
				equal(t, "key echoed", strings.Contains(refused.RawJSON(), "sk-nobody"), false)
			}
		})
	}
}

// The SDK waits for the time in Retry-After. Then its request is accepted.
func TestRateLimitIsAnnouncedEnforcedAndHonoured(t *testing.T) {
	key := os.Getenv("LLMPROXY_TINY_KEY")
	if key == "" {
		t.Skip("LLMPROXY_TINY_KEY is not set")
	}
	const limit = 3        // RATE_LIMIT_TINY of ../run
	const byItself = 8 + 2 // the SDK's longest wait in seconds without Retry-After, with a margin
	tiny := clientWith(key)
	for left := limit - 1; left >= 0; left-- {
		var reply *http.Response
		if _, err := tiny.Chat.Completions.New(ctx, ask("hi"), option.WithResponseInto(&reply)); err != nil {
			t.Fatal(err)
		}
		equal(t, "left", reply.Header.Get("x-ratelimit-remaining-requests"), strconv.Itoa(left))
	}

	_, err := tiny.Chat.Completions.New(ctx, ask("hi"))
	chunks := tiny.Chat.Completions.NewStreaming(ctx, ask("hi"))
	equal(t, "a chunk", chunks.Next(), false)
	for _, err := range []error{err, chunks.Err()} {
		refused := refusal(t, err)
		equal(t, "status", refused.StatusCode, 429)
		equal(t, "code", refused.Code, "rate_limit_exceeded")
		equal(t, "type", refused.Type, "requests")
		wait, err := strconv.Atoi(refused.Response.Header.Get("retry-after"))
		if err != nil || wait < byItself || wait > 60 {
			t.Fatalf("retry-after: got %d %v, wanted %d to 60", wait, err, byItself)
		}
	}

	// Another attempt succeeds only after the time in Retry-After.
	completion, err := tiny.Chat.Completions.New(ctx, ask("hi"), option.WithMaxRetries(1))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "answer", completion.Choices[0].Message.Content, "You said: hi")
}

func TestFailureInTheMiddleIsAnError(t *testing.T) {
	for _, mishap := range []string{"error=2", "cut=2", "end=2"} {
		_, text, _, err := stream(t, ask("[[script chunks=5 gap=5 "+mishap+"]]"))
		equal(t, mishap, text, "word1 word2")
		if err == nil {
			t.Fatal(mishap + " was not noticed")
		}
	}
}

// wire 1.3
func TestSilentProviderIsNotGivenUp(t *testing.T) {
	_, text, _, err := stream(t, ask("[[script chunks=2 gap=6500]]"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "text", text, "word1 word2")
}

func cancelled(t *testing.T) (answers int) {
	stats := os.Getenv("LLMPROXY_SCRIPTED_STATS")
	if stats == "" {
		t.Skip("LLMPROXY_SCRIPTED_STATS is not set")
	}
	reply, err := http.Get(stats)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	counts := map[string]int{}
	if err := json.NewDecoder(reply.Body).Decode(&counts); err != nil {
		t.Fatal(err)
	}
	return counts["cancelled"]
}

// A PNG of one point.
const picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// The scenes that depend on the provider's format, with models behind other formats than OpenAI's. Their emulators refuse what
// the real providers refuse.
func TestOtherFormats(t *testing.T) {
	if os.Getenv("LLMPROXY_OTHER_MODELS") == "" {
		t.Skip("LLMPROXY_OTHER_MODELS is not set")
	}
	for _, other := range strings.Split(os.Getenv("LLMPROXY_OTHER_MODELS"), ",") {
		askOther := func(message string) openai.ChatCompletionNewParams {
			params := ask(message)
			params.Model = other
			return params
		}
		t.Run(other+"/chat", func(t *testing.T) {
			completion, err := client.Chat.Completions.New(ctx, askOther("hello there"))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "content", completion.Choices[0].Message.Content, "You said: hello there")
			equal(t, "finish reason", completion.Choices[0].FinishReason, "stop")
			equal(t, "model", completion.Model, other)
			equal(t, "completion tokens", completion.Usage.CompletionTokens, 4)
			equal(t, "cached tokens", completion.Usage.PromptTokensDetails.CachedTokens, 7)
			equal(t, "total tokens", completion.Usage.TotalTokens, completion.Usage.PromptTokens+4)
		})
		t.Run(other+"/stream", func(t *testing.T) {
			whole, text, _, err := stream(t, askOther("hello there"))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "text", text, "You said: hello there")
			equal(t, "accumulated", whole.Choices[0].Message.Content, text)
			equal(t, "completion tokens", whole.Usage.CompletionTokens, 4)
		})
		t.Run(other+"/tools", func(t *testing.T) {
			params := askOther("What is the weather? [[script tools=2 reasoning=1]]")
			params.ReasoningEffort = openai.ReasoningEffortLow
			params.Tools = []openai.ChatCompletionToolUnionParam{getWeather}
			streamed, _, _, err := stream(t, params)
			if err != nil {
				t.Fatal(err)
			}
			message := streamed.Choices[0].Message
			equal(t, "finish reason", streamed.Choices[0].FinishReason, "tool_calls")
			equal(t, "calls", len(message.ToolCalls), 2)
			params.Messages = append(params.Messages, message.ToParam())
			for _, call := range message.ToolCalls {
				equal(t, "function", call.Function.Name, "get_weather")
				params.Messages = append(params.Messages, openai.ToolMessage("sunny", call.ID))
			}
			equal(t, "answer", whole(t, params).Content, "The tool said: sunny")
		})
		t.Run(other+"/schema", func(t *testing.T) {
			params := askOther("[[script json=1]]")
			params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
				JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "city", Schema: object, Strict: openai.Bool(true)},
			}
			var city struct {
				City   string
				People int
			}
			if err := json.Unmarshal([]byte(whole(t, params).Content), &city); err != nil {
				t.Fatal(err)
			}
			equal(t, "city", city.City, "Paris")
			equal(t, "people", city.People, 42)
		})
		t.Run(other+"/picture", func(t *testing.T) {
			params := askOther("")
			params.Messages = []openai.ChatCompletionMessageParamUnion{openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
				openai.TextContentPart("What?"),
				openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: picture}),
			})}
			equal(t, "content", whole(t, params).Content, "You said: What?")
		})
		t.Run(other+"/busy", func(t *testing.T) {
			_, err := client.Chat.Completions.New(ctx, askOther("[[script status=429 retry_after=7]]"))
			refused := refusal(t, err)
			equal(t, "status", refused.StatusCode, 429)
			equal(t, "retry-after", refused.Response.Header.Get("retry-after"), "7")
		})
		for _, mishap := range []string{"error=2", "cut=2", "end=2"} {
			t.Run(other+"/"+mishap, func(t *testing.T) {
				_, text, _, err := stream(t, askOther("[[script chunks=5 "+mishap+"]]"))
				equal(t, "text", text, "word1 word2")
				if err == nil {
					t.Fatal("was not noticed")
				}
			})
		}
	}
}

func TestLeavingAStreamCancelsTheProvidersAnswer(t *testing.T) {
	for _, script := range []string{"chunks=600 gap=100", "chunks=5 silent=1"} {
		before := cancelled(t)
		chunks := client.Chat.Completions.NewStreaming(ctx, ask("[[script "+script+"]]"))
		equal(t, "a first chunk", chunks.Next() && chunks.Next(), true)
		chunks.Close()
		for deadline := time.Now().Add(30 * time.Second); cancelled(t) == before; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(script + " was not cancelled in time")
			}
		}
	}
}
