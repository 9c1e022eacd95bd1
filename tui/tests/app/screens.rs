//! What the screens look like.

use super::support::{full, show, text};
use crossterm::event::KeyCode;

#[test]
fn look() {
    for (w,h) in [(80,24),(120,40),(200,60),(60,15)] {
        for view in ['1','2','3','4','?'] {
            let mut state = full();
            super::support::press(&mut state, &[KeyCode::Char(view)]);
            eprintln!("=== {w}x{h} {view}\n{}", text(&show(&mut state, w, h)));
        }
    }
}
