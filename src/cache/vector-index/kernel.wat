;; The three inner loops of the memory index, over one shared memory.
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
    (local.get $found)))
