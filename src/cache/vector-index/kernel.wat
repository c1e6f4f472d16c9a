;; The inner loops of the memory index, over one shared memory.
;; Compiled by scripts/build-kernel.ts into kernel-bytes.ts; a test compares the two.
;; Pointers are byte offsets. Row sizes are multiples of 16 bytes, sketch sizes of 64.
(module
  (import "env" "memory" (memory 1 65536 shared))

  ;; out[i] = scales[slots[i]] * dot(rows[slots[i]] as int8, query as int16), float32.
  ;; The sum stays inside int32 because the query's values are scaled for it.
  (func (export "dots")
    (param $slots i32) (param $count i32) (param $rows i32) (param $rowBytes i32)
    (param $scales i32) (param $query i32) (param $out i32)
    (local $slot i32) (local $at i32) (local $end i32) (local $q i32)
    (local $a v128) (local $sum v128) (local $sum2 v128)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $slot (i32.load (local.get $slots)))
        (local.set $at (i32.add (local.get $rows) (i32.mul (local.get $slot) (local.get $rowBytes))))
        (local.set $end (i32.add (local.get $at) (local.get $rowBytes)))
        (local.set $q (local.get $query))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (local.set $sum2 (v128.const i32x4 0 0 0 0))
        (loop $inner
          (local.set $a (v128.load (local.get $at)))
          (local.set $sum (i32x4.add (local.get $sum)
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $a)) (v128.load (local.get $q)))))
          (local.set $sum2 (i32x4.add (local.get $sum2)
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $a)) (v128.load offset=16 (local.get $q)))))
          (local.set $q (i32.add (local.get $q) (i32.const 32)))
          (br_if $inner (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
        (local.set $sum (i32x4.add (local.get $sum) (local.get $sum2)))
        (f32.store (local.get $out)
          (f32.mul
            (f32.load (i32.add (local.get $scales) (i32.shl (local.get $slot) (i32.const 2))))
            (f32.convert_i32_s
              (i32.add
                (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
                (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))))
        (local.set $slots (i32.add (local.get $slots) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))

  ;; out[i] = number of bits in which sketches[slots[i]] and query differ, uint16;
  ;; histogram[out[i]] += 1, uint32.
  (func (export "distances")
    (param $slots i32) (param $count i32) (param $sketches i32) (param $sketchBytes i32)
    (param $query i32) (param $out i32) (param $histogram i32)
    (local $at i32) (local $end i32) (local $q i32) (local $distance i32) (local $bin i32) (local $sum v128)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $at (i32.add (local.get $sketches)
          (i32.mul (i32.load (local.get $slots)) (local.get $sketchBytes))))
        (local.set $end (i32.add (local.get $at) (local.get $sketchBytes)))
        (local.set $q (local.get $query))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (loop $inner
          ;; Four bit counts of at most 8 fit a byte before they are widened.
          (local.set $sum (i16x8.add (local.get $sum) (i16x8.extadd_pairwise_i8x16_u
            (i8x16.add
              (i8x16.add
                (i8x16.popcnt (v128.xor (v128.load (local.get $at)) (v128.load (local.get $q))))
                (i8x16.popcnt (v128.xor (v128.load offset=16 (local.get $at)) (v128.load offset=16 (local.get $q)))))
              (i8x16.add
                (i8x16.popcnt (v128.xor (v128.load offset=32 (local.get $at)) (v128.load offset=32 (local.get $q))))
                (i8x16.popcnt (v128.xor (v128.load offset=48 (local.get $at)) (v128.load offset=48 (local.get $q)))))))))
          (local.set $q (i32.add (local.get $q) (i32.const 64)))
          (br_if $inner (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))
        (local.set $sum (i32x4.extadd_pairwise_i16x8_u (local.get $sum)))
        (local.set $distance
          (i32.add
            (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
            (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))
        (i32.store16 (local.get $out) (local.get $distance))
        (local.set $bin (i32.add (local.get $histogram) (i32.shl (local.get $distance) (i32.const 2))))
        (i32.store (local.get $bin) (i32.add (i32.load (local.get $bin)) (i32.const 1)))
        (local.set $slots (i32.add (local.get $slots) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 2)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))

  ;; Appends (slots[i], distances[i]) as two uint32 for every distance <= limit, in order; stops after $max pairs.
  ;; Returns the number of pairs.
  (func (export "collect")
    (param $slots i32) (param $count i32) (param $distances i32) (param $limit i32) (param $to i32) (param $max i32)
    (result i32)
    (local $found i32) (local $distance i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $distance (i32.load16_u (local.get $distances)))
        (if (i32.le_u (local.get $distance) (local.get $limit))
          (then
            (br_if $done (i32.eq (local.get $found) (local.get $max)))
            (i32.store (local.get $to) (i32.load (local.get $slots)))
            (i32.store offset=4 (local.get $to) (local.get $distance))
            (local.set $to (i32.add (local.get $to) (i32.const 8)))
            (local.set $found (i32.add (local.get $found) (i32.const 1)))))
        (local.set $slots (i32.add (local.get $slots) (i32.const 4)))
        (local.set $distances (i32.add (local.get $distances) (i32.const 2)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $found))

  ;; value ~ scale * (int8 + (nibble - 8) / 15), in float32 throughout. Reads $rowBytes floats at $values, writes as many
  ;; bytes at $row, half as many at $residuals, and the scale.
  (func (export "quantize")
    (param $values i32) (param $rowBytes i32) (param $row i32) (param $residuals i32) (param $scale i32)
    (local $at i32) (local $end i32) (local $max v128) (local $top f32) (local $inverse v128)
    (local $x0 v128) (local $x1 v128) (local $x2 v128) (local $x3 v128)
    (local $q0 v128) (local $q1 v128) (local $q2 v128) (local $q3 v128)
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $rowBytes) (i32.const 2))))
    (local.set $at (local.get $values))
    (local.set $max (v128.const f32x4 0 0 0 0))
    (loop $widest
      (local.set $max (f32x4.max (local.get $max) (f32x4.abs (v128.load (local.get $at)))))
      (br_if $widest (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
    (local.set $top (f32.div
      (f32.max
        (f32.max (f32x4.extract_lane 0 (local.get $max)) (f32x4.extract_lane 1 (local.get $max)))
        (f32.max (f32x4.extract_lane 2 (local.get $max)) (f32x4.extract_lane 3 (local.get $max))))
      (f32.const 127)))
    (if (f32.eq (local.get $top) (f32.const 0)) (then (local.set $top (f32.const 1))))
    (f32.store (local.get $scale) (local.get $top))
    (local.set $inverse (f32x4.splat (f32.div (f32.const 1) (local.get $top))))
    (local.set $at (local.get $values))
    (loop $sixteen
      (local.set $x0 (f32x4.mul (v128.load (local.get $at)) (local.get $inverse)))
      (local.set $x1 (f32x4.mul (v128.load offset=16 (local.get $at)) (local.get $inverse)))
      (local.set $x2 (f32x4.mul (v128.load offset=32 (local.get $at)) (local.get $inverse)))
      (local.set $x3 (f32x4.mul (v128.load offset=48 (local.get $at)) (local.get $inverse)))
      (local.set $q0 (call $round (local.get $x0)))
      (local.set $q1 (call $round (local.get $x1)))
      (local.set $q2 (call $round (local.get $x2)))
      (local.set $q3 (call $round (local.get $x3)))
      (v128.store (local.get $row)
        (call $bytes (local.get $q0) (local.get $q1) (local.get $q2) (local.get $q3)))
      (local.set $x0 (call $bytes
        (call $nibbles (local.get $x0) (local.get $q0)) (call $nibbles (local.get $x1) (local.get $q1))
        (call $nibbles (local.get $x2) (local.get $q2)) (call $nibbles (local.get $x3) (local.get $q3))))
      ;; Two bytes of one nibble each become one of two: the later one goes to the upper half.
      (local.set $x0 (v128.and
        (v128.or (local.get $x0) (i16x8.shr_u (local.get $x0) (i32.const 4)))
        (v128.const i16x8 255 255 255 255 255 255 255 255)))
      (v128.store64_lane 0 (local.get $residuals) (i8x16.narrow_i16x8_u (local.get $x0) (local.get $x0)))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (local.set $residuals (i32.add (local.get $residuals) (i32.const 8)))
      (br_if $sixteen (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end)))))

  ;; Halves go up.
  (func $round (param $x v128) (result v128)
    (f32x4.floor (f32x4.add (local.get $x) (v128.const f32x4 0.5 0.5 0.5 0.5))))

  ;; [-0.5, 0.5] to 16 steps, of which the ninth is zero.
  (func $nibbles (param $x v128) (param $rounded v128) (result v128)
    (f32x4.min
      (v128.const f32x4 15 15 15 15)
      (f32x4.add
        (v128.const f32x4 8 8 8 8)
        (call $round (f32x4.mul
          (f32x4.sub (local.get $x) (local.get $rounded))
          (v128.const f32x4 15 15 15 15))))))

  (func $bytes (param $a v128) (param $b v128) (param $c v128) (param $d v128) (result v128)
    (i8x16.narrow_i16x8_s
      (i16x8.narrow_i32x4_s (i32x4.trunc_sat_f32x4_s (local.get $a)) (i32x4.trunc_sat_f32x4_s (local.get $b)))
      (i16x8.narrow_i32x4_s (i32x4.trunc_sat_f32x4_s (local.get $c)) (i32x4.trunc_sat_f32x4_s (local.get $d)))))

  ;; $rowBytes bytes at $row as floats at $values. Returns the sum of their squares.
  (func (export "spread") (param $row i32) (param $rowBytes i32) (param $values i32) (result i32)
    (local $end i32) (local $a v128) (local $low v128) (local $high v128) (local $sum v128)
    (local.set $end (i32.add (local.get $row) (local.get $rowBytes)))
    (loop $sixteen
      (local.set $a (v128.load (local.get $row)))
      (local.set $low (i16x8.extend_low_i8x16_s (local.get $a)))
      (local.set $high (i16x8.extend_high_i8x16_s (local.get $a)))
      (local.set $sum (i32x4.add (local.get $sum) (i32x4.add
        (i32x4.dot_i16x8_s (local.get $low) (local.get $low))
        (i32x4.dot_i16x8_s (local.get $high) (local.get $high)))))
      (v128.store (local.get $values) (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $low))))
      (v128.store offset=16 (local.get $values) (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $low))))
      (v128.store offset=32 (local.get $values) (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $high))))
      (v128.store offset=48 (local.get $values) (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $high))))
      (local.set $values (i32.add (local.get $values) (i32.const 64)))
      (br_if $sixteen (i32.ne (local.tee $row (i32.add (local.get $row) (i32.const 16))) (local.get $end))))
    (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
      (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))

  ;; Rotates $bits floats at $values in place, and writes the bits that say which of them are not negative, first value
  ;; lowest. $signs: twice $bits floats, each 1 or -1. $bits: a power of two, at least 512.
  (func (export "sketch") (param $values i32) (param $bits i32) (param $signs i32) (param $to i32)
    (local $at i32) (local $end i32)
    (call $transform (local.get $values) (local.get $bits) (local.get $signs))
    (call $transform (local.get $values) (local.get $bits)
      (i32.add (local.get $signs) (i32.shl (local.get $bits) (i32.const 2))))
    (local.set $at (local.get $values))
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $bits) (i32.const 2))))
    (loop $sixteen
      (i32.store16 (local.get $to) (i8x16.bitmask (i8x16.narrow_i16x8_s
        (i16x8.narrow_i32x4_s
          (f32x4.ge (v128.load (local.get $at)) (v128.const f32x4 0 0 0 0))
          (f32x4.ge (v128.load offset=16 (local.get $at)) (v128.const f32x4 0 0 0 0)))
        (i16x8.narrow_i32x4_s
          (f32x4.ge (v128.load offset=32 (local.get $at)) (v128.const f32x4 0 0 0 0))
          (f32x4.ge (v128.load offset=48 (local.get $at)) (v128.const f32x4 0 0 0 0))))))
      (local.set $to (i32.add (local.get $to) (i32.const 2)))
      (br_if $sixteen (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end)))))

  ;; Signs, then a Walsh-Hadamard transform: sums and differences of values 1, 2, 4, … apart.
  (func $transform (param $values i32) (param $bits i32) (param $signs i32)
    (local $at i32) (local $end i32) (local $stop i32) (local $half i32) (local $wide i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $ab v128) (local $a-b v128) (local $cd v128) (local $c-d v128)
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $bits) (i32.const 2))))
    (local.set $at (local.get $values))
    ;; 1 and 2 apart: within four neighbours.
    (loop $four
      (local.set $a (f32x4.mul (v128.load (local.get $at)) (v128.load (local.get $signs))))
      (local.set $a (f32x4.add
        (i8x16.shuffle 0 1 2 3 0 1 2 3 8 9 10 11 8 9 10 11 (local.get $a) (local.get $a))
        (v128.xor
          (i8x16.shuffle 4 5 6 7 4 5 6 7 12 13 14 15 12 13 14 15 (local.get $a) (local.get $a))
          (v128.const i32x4 0 0x80000000 0 0x80000000))))
      (v128.store (local.get $at) (f32x4.add
        (i8x16.shuffle 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 (local.get $a) (local.get $a))
        (v128.xor
          (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $a) (local.get $a))
          (v128.const i32x4 0 0 0x80000000 0x80000000))))
      (local.set $signs (i32.add (local.get $signs) (i32.const 16)))
      (br_if $four (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
    ;; Two distances at a time, in bytes from here on; what is left when they are odd in number goes alone.
    (local.set $half (i32.const 16))
    (if (i32.and (i32.ctz (local.get $bits)) (i32.const 1))
      (then
        (local.set $at (local.get $values))
        (loop $pair
          (local.set $a (v128.load (local.get $at)))
          (local.set $b (v128.load offset=16 (local.get $at)))
          (v128.store (local.get $at) (f32x4.add (local.get $a) (local.get $b)))
          (v128.store offset=16 (local.get $at) (f32x4.sub (local.get $a) (local.get $b)))
          (br_if $pair (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 32))) (local.get $end))))
        (local.set $half (i32.const 32))))
    (loop $two
      (local.set $wide (i32.shl (local.get $half) (i32.const 1)))
      (local.set $at (local.get $values))
      (loop $block
        (local.set $stop (i32.add (local.get $at) (local.get $half)))
        (loop $inner
          (local.set $a (v128.load (local.get $at)))
          (local.set $b (v128.load (i32.add (local.get $at) (local.get $half))))
          (local.set $c (v128.load (i32.add (local.get $at) (local.get $wide))))
          (local.set $d (v128.load (i32.add (i32.add (local.get $at) (local.get $wide)) (local.get $half))))
          (local.set $ab (f32x4.add (local.get $a) (local.get $b)))
          (local.set $a-b (f32x4.sub (local.get $a) (local.get $b)))
          (local.set $cd (f32x4.add (local.get $c) (local.get $d)))
          (local.set $c-d (f32x4.sub (local.get $c) (local.get $d)))
          (v128.store (local.get $at) (f32x4.add (local.get $ab) (local.get $cd)))
          (v128.store (i32.add (local.get $at) (local.get $half)) (f32x4.add (local.get $a-b) (local.get $c-d)))
          (v128.store (i32.add (local.get $at) (local.get $wide)) (f32x4.sub (local.get $ab) (local.get $cd)))
          (v128.store (i32.add (i32.add (local.get $at) (local.get $wide)) (local.get $half))
            (f32x4.sub (local.get $a-b) (local.get $c-d)))
          (br_if $inner (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $stop))))
        (br_if $block (i32.ne
          (local.tee $at (i32.add (i32.add (local.get $at) (local.get $half)) (local.get $wide)))
          (local.get $end))))
      (local.set $half (i32.shl (local.get $half) (i32.const 2)))
      (br_if $two (i32.lt_u (local.get $half) (i32.shl (local.get $bits) (i32.const 2)))))))
