package render

import "fanmill/training/eval"

// JSON is what stands for an outcome in JSON: the one report with its advice,
// where there is only one, else the outcome with its reports and comparisons.
func JSON(out *eval.Outcome) any {
	if len(out.Series) != 1 {
		return out
	}
	return struct {
		Method string `json:"method"`
		eval.Series
		Advice *eval.Advice `json:"advice,omitempty"`
	}{out.Method, out.Series[0], out.Advice}
}
