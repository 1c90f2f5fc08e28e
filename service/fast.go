package service

import "context"

// A fastFunc calls a function with the parameters that ptrs point to, without reflection.
type fastFunc func(ctx context.Context, ptrs []any) (any, error)

// fastFor returns a fastFunc for the signatures that services are mostly made of, or nil.
func fastFor(fn any) fastFunc {
	if f, ok := fn.(func(context.Context, any, any) (any, error)); ok {
		return func(ctx context.Context, ptrs []any) (any, error) {
			p, _ := ptrs[0].(*any)
			q, _ := ptrs[1].(*any)
			return f(ctx, *p, *q)
		}
	}
	for _, try := range [...]func(any) fastFunc{fast[any], fast[string], fast[int], fast[float64], fast[[]byte]} {
		if f := try(fn); f != nil {
			return f
		}
	}
	return nil
}

// fast recognises functions from T to T.
func fast[T any](fn any) fastFunc {
	switch f := fn.(type) {
	case func(T) T:
		return func(_ context.Context, ptrs []any) (any, error) {
			p, _ := ptrs[0].(*T)
			return f(*p), nil
		}
	case func(T) (T, error):
		return func(_ context.Context, ptrs []any) (any, error) {
			p, _ := ptrs[0].(*T)
			return f(*p)
		}
	case func(context.Context, T) T:
		return func(ctx context.Context, ptrs []any) (any, error) {
			p, _ := ptrs[0].(*T)
			return f(ctx, *p), nil
		}
	case func(context.Context, T) (T, error):
		return func(ctx context.Context, ptrs []any) (any, error) {
			p, _ := ptrs[0].(*T)
			return f(ctx, *p)
		}
	}
	return nil
}
