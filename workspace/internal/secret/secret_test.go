package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"expvar"
	"fmt"
	"html/template"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// fake is what is looked for.
var fake = []byte("fake-value-0123456789")

// holders are the shapes in which a value gets to a printer by mistake.
func holders() map[string]any {
	v := New(fake)
	type exported struct{ V Value }
	type hidden struct{ v Value }
	type deep struct {
		M map[string]*hidden
		S []any
	}
	return map[string]any{
		"value": v, "pointer": &v, "exported field": exported{v}, "hidden field": hidden{v}, "pointer to hidden": &hidden{v},
		"slice": []Value{v}, "array": [1]Value{v}, "map": map[string]Value{"k": v}, "interface": any(v), "error": fmt.Errorf("no: %v", v),
		"deep": deep{map[string]*hidden{"k": {v}}, []any{v, &v, exported{v}}},
	}
}

// TestNoPrinterReads tries every printer, encoder, logger and differ on every
// shape.
func TestNoPrinterReads(t *testing.T) {
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%b", "%o", "%c", "%U", "%t", "%e", "%g", "%p", "%T", "%w", "%10.3s", "%-40v", "%!"}
	for shape, h := range holders() {
		tries := map[string]string{}
		for _, verb := range verbs {
			tries[verb] = fmt.Sprintf(verb, h)
		}
		tries["Sprint"] = fmt.Sprint(h, h)
		tries["Errorf"] = fmt.Errorf("wrapped: %w", fmt.Errorf("%v", h)).Error()
		encode := func(name string, b []byte, err error) {
			tries[name] = string(b)
			if err != nil {
				tries[name] += err.Error()
			}
		}
		b, err := json.Marshal(h)
		encode("json", b, err)
		b, err = json.MarshalIndent(map[string]any{"k": h}, "", " ")
		encode("json in a map", b, err)
		b, err = xml.Marshal(h)
		encode("xml", b, err)
		b, err = yaml.Marshal(h)
		encode("yaml", b, err)
		var buf bytes.Buffer
		err = gob.NewEncoder(&buf).Encode(h)
		encode("gob", buf.Bytes(), err)
		for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("m", "v", h, slog.Group("g", "v", h))
			tries[name] = b.String()
		}
		for name, run := range map[string]func(*bytes.Buffer) error{
			"text/template": func(b *bytes.Buffer) error {
				return texttemplate.Must(texttemplate.New("").Parse(`{{.}} {{printf "%#v" .}} {{js .}} {{urlquery .}}`)).Execute(b, h)
			},
			"html/template": func(b *bytes.Buffer) error {
				return template.Must(template.New("").Parse(`<a title="{{.}}">{{.}}</a><script>x={{.}}</script>`)).Execute(b, h)
			},
		} {
			var b bytes.Buffer
			err := run(&b)
			encode(name, b.Bytes(), err)
		}
		tries["expvar"] = expvar.Func(func() any { return h }).String()
		tries["cmp.Diff"] = cmp.Diff(any(h), any(1), cmp.Exporter(func(reflect.Type) bool { return true }))
		tries["reflect"] = reflected(reflect.ValueOf(h), map[any]bool{})
		func() {
			defer func() { tries["panic"] = fmt.Sprint(recover()) }()
			panic(h)
		}()
		for how, got := range tries {
			if leaks(got) {
				t.Errorf("%s of a %s shows the value: %q", how, shape, got)
			}
		}
	}
}

// reflected collects all that reflection gets out of v.
func reflected(v reflect.Value, seen map[any]bool) string {
	var b strings.Builder
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return ""
		}
		seen[v.Pointer()] = true
		b.WriteString(reflected(v.Elem(), seen))
	case reflect.Interface:
		b.WriteString(reflected(v.Elem(), seen))
	case reflect.Struct:
		for i := range v.NumField() {
			b.WriteString(reflected(v.Field(i), seen))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			b.WriteString(reflected(v.Index(i), seen))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			b.WriteString(reflected(v.MapIndex(k), seen))
		}
	case reflect.String:
		b.WriteString(v.String())
	case reflect.Uint8:
		b.WriteByte(byte(v.Uint()))
	}
	return b.String()
}

// leaks reports whether s holds the value, or a part of it, in a form that a
// printer could give it.
func leaks(s string) bool {
	var list []string
	for _, c := range fake {
		list = append(list, strconv.Itoa(int(c)))
	}
	for _, form := range []string{
		string(fake), string(fake[:8]), string(fake[8:]), hex.EncodeToString(fake[:6]), strings.ToUpper(hex.EncodeToString(fake[:6])),
		base64.StdEncoding.EncodeToString(fake)[:12], base64.StdEncoding.EncodeToString(fake[1:])[:12], base64.StdEncoding.EncodeToString(fake[2:])[:12],
		strings.Join(list[:6], " "), strings.Join(list[:6], ", "), strings.Join(list[:6], ","), fmt.Sprintf("% x", fake[:6]), fmt.Sprintf("%#v", fake)[8:30],
	} {
		if strings.Contains(s, form) {
			return true
		}
	}
	return false
}

// TestLeaksFinds makes sure that the search finds what a plain string shows.
func TestLeaksFinds(t *testing.T) {
	type plain string
	type bytesField struct{ b []byte }
	for _, s := range []string{
		fmt.Sprint(plain(fake)), fmt.Sprintf("%x", fake), fmt.Sprintf("%X", fake), fmt.Sprint(bytesField{fake}), fmt.Sprintf("%#v", bytesField{fake}),
		base64.StdEncoding.EncodeToString(append([]byte("x"), fake...)), reflected(reflect.ValueOf(bytesField{fake}), map[any]bool{}),
	} {
		if !leaks(s) {
			t.Errorf("%q was taken for clean", s)
		}
	}
}

func TestEncodersFail(t *testing.T) {
	v := New(fake)
	for name, encode := range map[string]func() ([]byte, error){"JSON": v.MarshalJSON, "text": v.MarshalText, "binary": v.MarshalBinary} {
		if b, err := encode(); b != nil || !errors.Is(err, errSealed) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if _, err := json.Marshal(map[string]any{"v": v}); !errors.Is(err, errSealed) {
		t.Errorf("json.Marshal: %v; a placeholder would hide the bug", err)
	}
	if reflect.TypeFor[Value]().Comparable() {
		t.Error("== compiles on a Value")
	}
}

func TestValue(t *testing.T) {
	b := bytes.Clone(fake)
	v := New(b)
	clear(b)
	if !bytes.Equal(Reveal(v), fake) {
		t.Error("a Value shares the bytes that it was made of")
	}
	var zero Value
	if Reveal(zero) != nil || !Empty(zero) || !Empty(New(nil)) || Empty(v) {
		t.Error("the zero Value is the empty one, and no other is")
	}
	if !Equal(v, New(fake)) || Equal(v, zero) || Equal(v, New(fake[1:])) || !Equal(zero, New(nil)) {
		t.Error("Equal compares the bytes")
	}
}
