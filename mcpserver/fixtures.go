//go:build conformance

package mcpserver

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// These are the tools, resources and prompts that the official conformance
// suite calls, as its scenarios describe them. They are never in a release.

func fixtureOptions() []server.ServerOption {
	return []server.ServerOption{
		server.WithResourceCapabilities(true, false), server.WithPromptCapabilities(false), server.WithCompletions(), server.WithElicitation(),
	}
}

const (
	fixtureImage = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
	fixtureAudio = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
)

// fixtureRefusal refuses what needs a capability that the client did not
// declare, which no handler of the library can.
func fixtureRefusal(m *envelope, body []byte) *mcp.JSONRPCErrorDetails {
	if m.Params.Name != "test_missing_capability" {
		return nil
	}
	var msg struct {
		Params struct {
			Meta *mcp.Meta `json:"_meta"`
		} `json:"params"`
	}
	if json.Unmarshal(body, &msg) == nil {
		if caps := msg.Params.Meta.ClientCapabilities(); caps != nil && caps.Sampling != nil {
			return nil
		}
	}
	return &mcp.JSONRPCErrorDetails{Code: mcp.MISSING_REQUIRED_CLIENT_CAPABILITY, Message: "sampling is needed",
		Data: map[string]any{"requiredCapabilities": map[string]any{"sampling": map[string]any{}}}}
}

// RequestSampling asks the client's model.
func (a requestSession) RequestSampling(ctx context.Context, req mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
	var res mcp.CreateMessageResult
	raw := a.ask(ctx, string(mcp.MethodSamplingCreateMessage), req.CreateMessageParams)
	if raw == nil {
		return nil, errors.New("no answer")
	}
	return &res, json.Unmarshal(raw, &res)
}

func textFixture(text string) *mcp.CallToolResult { return mcp.NewToolResultText(text) }

func formFixture(message string, properties map[string]any, required ...string) mcp.ElicitationParams {
	schema := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	return mcp.ElicitationParams{Message: message, RequestedSchema: schema}
}

func one(name, kind string) map[string]any {
	return map[string]any{name: map[string]any{"type": kind}}
}

func sampleFixture(text string, tokens int) mcp.CreateMessageParams {
	return mcp.CreateMessageParams{MaxTokens: tokens, Messages: []mcp.SamplingMessage{{Role: mcp.RoleUser, Content: mcp.NewTextContent(text)}}}
}

// signed returns a request state that can't be changed.
func signed(state string) string {
	mac := hmac.New(sha256.New, []byte("a key of the fixtures"))
	mac.Write([]byte(state))
	return state + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// noCompleter completes no argument of a fixture, in good order.
type noCompleter struct{}

func (noCompleter) CompletePromptArgument(context.Context, string, mcp.CompleteArgument, mcp.CompleteContext) (*mcp.Completion, error) {
	return &mcp.Completion{Values: []string{}}, nil
}

func addFixtures(s *server.MCPServer) {
	server.WithPromptCompletionProvider(noCompleter{})(s)
	ask := func(ctx context.Context, p mcp.ElicitationParams) (*mcp.CallToolResult, error) {
		r, err := s.RequestElicitation(ctx, mcp.ElicitationRequest{Params: p})
		if err != nil {
			return mcp.NewToolResultError("no answer"), nil
		}
		return textFixture("User response: action=" + string(r.Action)), nil
	}
	add := func(name string, h server.ToolHandlerFunc, args ...mcp.ToolOption) {
		s.AddTool(mcp.NewTool(name, append(args, mcp.WithDescription("a fixture of the conformance suite"))...), h)
	}
	fixed := func(name string, content ...mcp.Content) {
		add(name, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: content}, nil
		})
	}
	embedded := func(uri, kind, text string) mcp.Content {
		return mcp.NewEmbeddedResource(mcp.TextResourceContents{URI: uri, MIMEType: kind, Text: text})
	}
	fixed("test_simple_text", mcp.NewTextContent("This is a simple text response for testing."))
	fixed("test_image_content", mcp.NewImageContent(fixtureImage, "image/png"))
	fixed("test_audio_content", mcp.NewAudioContent(fixtureAudio, "audio/wav"))
	fixed("test_embedded_resource", embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))
	fixed("test_multiple_content_types", mcp.NewTextContent("Multiple content types test:"), mcp.NewImageContent(fixtureImage, "image/png"),
		embedded("test://mixed-content-resource", "application/json", `{"test":"data","value":123}`))
	fixed("test_missing_capability", mcp.NewTextContent("sampling was declared"))
	add("test_error_handling", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultError("This tool intentionally returns an error for testing"), nil
	})
	log := func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for i, text := range []string{"Tool execution started", "Tool processing data", "Tool execution completed"} {
			if i > 0 {
				time.Sleep(50 * time.Millisecond)
			}
			if err := s.SendLogMessageToClient(ctx, mcp.NewLoggingMessageNotification(mcp.LoggingLevelInfo, "fixtures", text)); err != nil {
				return mcp.NewToolResultError("no log"), nil
			}
		}
		return textFixture("Tool with logging executed successfully"), nil
	}
	add("test_tool_with_logging", log)
	add("test_logging_tool", log)
	add("test_tool_with_progress", func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if m := req.Params.Meta; m != nil && m.ProgressToken != nil {
			for i, done := range []int{0, 50, 100} {
				if i > 0 {
					time.Sleep(50 * time.Millisecond)
				}
				if err := s.SendNotificationToClient(ctx, "notifications/progress", map[string]any{"progressToken": m.ProgressToken, "progress": done, "total": 100}); err != nil {
					return mcp.NewToolResultError("no progress"), nil
				}
			}
		}
		return textFixture("progress reported"), nil
	})
	add("test_sampling", func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		//lint:ignore SA1019 the suite asks for it at the older revision
		r, err := s.RequestSampling(ctx, mcp.CreateMessageRequest{CreateMessageParams: sampleFixture(req.GetString("prompt", ""), 100)})
		if err != nil {
			return mcp.NewToolResultError("no answer"), nil
		}
		b, _ := json.Marshal(r.Content) // it was decoded
		return textFixture("LLM response: " + string(b)), nil
	}, mcp.WithString("prompt", mcp.Required()))
	add("test_elicitation", func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return ask(ctx, formFixture(req.GetString("message", ""), map[string]any{
			"username": map[string]any{"type": "string", "description": "User's response"},
			"email":    map[string]any{"type": "string", "description": "User's email address"},
		}, "username", "email"))
	}, mcp.WithString("message", mcp.Required()))
	add("test_elicitation_sep1034_defaults", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return ask(ctx, formFixture("Provide your information", map[string]any{
			"name":     map[string]any{"type": "string", "default": "John Doe"},
			"age":      map[string]any{"type": "integer", "default": 30},
			"score":    map[string]any{"type": "number", "default": 95.5},
			"status":   map[string]any{"type": "string", "enum": []string{"active", "inactive", "pending"}, "default": "active"},
			"verified": map[string]any{"type": "boolean", "default": true},
		}))
	})
	add("test_elicitation_sep1330_enums", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		titled := func(prefix string, n int) (all []any) {
			for i := range n {
				all = append(all, map[string]any{"const": fmt.Sprint("value", i+1), "title": fmt.Sprint(prefix, i+1)})
			}
			return all
		}
		options := []string{"option1", "option2", "option3"}
		return ask(ctx, formFixture("Select options", map[string]any{
			"untitledSingle": map[string]any{"type": "string", "enum": options},
			"titledSingle":   map[string]any{"type": "string", "oneOf": titled("Option ", 3)},
			"legacyEnum":     map[string]any{"type": "string", "enum": []string{"opt1", "opt2", "opt3"}, "enumNames": []string{"Option One", "Option Two", "Option Three"}},
			"untitledMulti":  map[string]any{"type": "array", "items": map[string]any{"type": "string", "enum": options}},
			"titledMulti":    map[string]any{"type": "array", "items": map[string]any{"anyOf": titled("Choice ", 3)}},
		}))
	})
	addRounds(s, add)

	s.AddResource(mcp.NewResource("test://static-text", "static-text", mcp.WithMIMEType("text/plain")),
		func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			return []mcp.ResourceContents{mcp.TextResourceContents{URI: "test://static-text", MIMEType: "text/plain", Text: "This is the content of the static text resource."}}, nil
		})
	s.AddResource(mcp.NewResource("test://static-binary", "static-binary", mcp.WithMIMEType("image/png")),
		func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			return []mcp.ResourceContents{mcp.BlobResourceContents{URI: "test://static-binary", MIMEType: "image/png", Blob: fixtureImage}}, nil
		})
	s.AddResourceTemplate(mcp.NewResourceTemplate("test://template/{id}/data", "template", mcp.WithTemplateMIMEType("application/json")),
		func(_ context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			id := strings.Split(req.Params.URI, "/")[3]
			return []mcp.ResourceContents{mcp.TextResourceContents{URI: req.Params.URI, MIMEType: "application/json", Text: fmt.Sprintf(`{"id":%q,"templateTest":true,"data":"Data for ID: %s"}`, id, id)}}, nil
		})
	prompt := func(name string, messages func(args map[string]string) []mcp.PromptMessage, args ...string) {
		opts := []mcp.PromptOption{mcp.WithPromptDescription("a fixture of the conformance suite")}
		for _, a := range args {
			opts = append(opts, mcp.WithArgument(a, mcp.RequiredArgument()))
		}
		s.AddPrompt(mcp.NewPrompt(name, opts...), func(_ context.Context, req mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			return &mcp.GetPromptResult{Messages: messages(req.Params.Arguments)}, nil
		})
	}
	says := func(c ...mcp.Content) (all []mcp.PromptMessage) {
		for _, c := range c {
			all = append(all, mcp.NewPromptMessage(mcp.RoleUser, c))
		}
		return all
	}
	prompt("test_simple_prompt", func(map[string]string) []mcp.PromptMessage {
		return says(mcp.NewTextContent("This is a simple prompt for testing."))
	})
	prompt("test_prompt_with_arguments", func(a map[string]string) []mcp.PromptMessage {
		return says(mcp.NewTextContent(fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", a["arg1"], a["arg2"])))
	}, "arg1", "arg2")
	prompt("test_prompt_with_embedded_resource", func(a map[string]string) []mcp.PromptMessage {
		return says(embedded(a["resourceUri"], "text/plain", "Embedded resource content for testing."), mcp.NewTextContent("Please process the embedded resource above."))
	}, "resourceUri")
	prompt("test_prompt_with_image", func(map[string]string) []mcp.PromptMessage {
		return says(mcp.NewImageContent(fixtureImage, "image/png"), mcp.NewTextContent("Please analyze the image above."))
	})
}

// addRounds adds the tools that ask in several rounds (SEP-2322).
func addRounds(s *server.MCPServer, add func(string, server.ToolHandlerFunc, ...mcp.ToolOption)) {
	name := func() mcp.ElicitationParams {
		return formFixture("What is your name?", one("name", "string"), "name")
	}
	confirm := func() mcp.ElicitationParams { return formFixture("Please confirm", one("ok", "boolean"), "ok") }
	has := func(req mcp.CallToolRequest, keys ...string) bool {
		for _, k := range keys {
			if _, ok := server.InputResponse(req.Params.InputResponses, k); !ok {
				return false
			}
		}
		return true
	}
	elicited := func(req mcp.CallToolRequest, key string) (map[string]any, bool) {
		r := server.ElicitationResponse(req.Params.InputResponses, key)
		if r == nil || r.Action != mcp.ElicitationResponseActionAccept {
			return nil, false
		}
		m, ok := r.Content.(map[string]any)
		return m, ok
	}
	elicit := func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if m, ok := elicited(req, "user_name"); ok {
			return textFixture(fmt.Sprintf("Hello, %v!", m["name"])), nil
		}
		return server.NewInputRequestBuilder("").Elicit("user_name", name()).ToolResult(), nil
	}
	add("test_input_required_result_elicitation", elicit)
	add("test_streaming_elicitation", elicit)
	add("test_input_required_result_sampling", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if r := server.SamplingResponse(req.Params.InputResponses, "capital_question"); r != nil {
			b, _ := json.Marshal(r.Content) // it was decoded
			return textFixture(string(b)), nil
		}
		return server.NewInputRequestBuilder("").Sample("capital_question", sampleFixture("What is the capital of France?", 100)).ToolResult(), nil
	})
	add("test_input_required_result_list_roots", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if r := server.RootsResponse(req.Params.InputResponses, "client_roots"); r != nil {
			b, _ := json.Marshal(r.Roots) // they were decoded
			return textFixture("roots: " + string(b)), nil
		}
		return server.NewInputRequestBuilder("").Roots("client_roots").ToolResult(), nil
	})
	state := func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		want := signed("confirm")
		switch {
		case req.Params.RequestState != "" && req.Params.RequestState != want:
			return nil, errors.New("the state was changed")
		case has(req, "confirm") && req.Params.RequestState == want:
			return textFixture("state-ok"), nil
		}
		return server.NewInputRequestBuilder(want).Elicit("confirm", confirm()).ToolResult(), nil
	}
	add("test_input_required_result_request_state", state)
	add("test_input_required_result_tampered_state", state)
	add("test_input_required_result_multiple_inputs", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if has(req, "user_name", "greeting", "client_roots") && req.Params.RequestState == signed("three") {
			return textFixture("all three came"), nil
		}
		return server.NewInputRequestBuilder(signed("three")).Elicit("user_name", name()).
			Sample("greeting", sampleFixture("Generate a greeting", 50)).Roots("client_roots").ToolResult(), nil
	})
	add("test_input_required_result_multi_round", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		switch req.Params.RequestState {
		case signed("one"):
			if has(req, "step1") {
				return server.NewInputRequestBuilder(signed("two")).
					Elicit("step2", formFixture("Step 2: What is your favorite color?", one("color", "string"), "color")).ToolResult(), nil
			}
		case signed("two"):
			if has(req, "step2") {
				return textFixture("both rounds came"), nil
			}
		}
		return server.NewInputRequestBuilder(signed("one")).
			Elicit("step1", formFixture("Step 1: What is your name?", one("name", "string"), "name")).ToolResult(), nil
	})
	add("test_input_required_result_capabilities", func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		b := server.NewInputRequestBuilder("")
		info := server.RequestProtocolInfoFromContext(ctx)
		if info == nil || info.ClientCapabilities == nil || len(req.Params.InputResponses) > 0 {
			return textFixture("nothing to ask"), nil
		}
		if info.ClientCapabilities.Elicitation != nil {
			b.Elicit("user_name", name())
		}
		if info.ClientCapabilities.Sampling != nil {
			b.Sample("greeting", sampleFixture("Generate a greeting", 50))
		}
		return b.ToolResult(), nil
	})
	s.AddPrompt(mcp.NewPrompt("test_input_required_result_prompt", mcp.WithPromptDescription("a fixture of the conformance suite")), func(_ context.Context, req mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		if len(req.Params.InputResponses) > 0 {
			return &mcp.GetPromptResult{Messages: []mcp.PromptMessage{mcp.NewPromptMessage(mcp.RoleUser, mcp.NewTextContent("with the context"))}}, nil
		}
		return server.NewInputRequestBuilder("").
			Elicit("user_context", formFixture("What context should the prompt use?", one("context", "string"), "context")).PromptResult(), nil
	})
}
