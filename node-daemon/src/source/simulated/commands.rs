//! How simulated processes were called: what a daemon tells that was asked for arguments.

use gputop_model::mask;

use super::{Behaviour, Tenant};

/// The command line of a tenant, as the daemon tells it: without secrets.
pub(super) fn command(tenant: &Tenant) -> String {
    let arguments = match tenant.behaviour {
        Behaviour::Training => "train.py --batch-size 32 --lr 3e-4 --checkpoint-dir /data/run",
        Behaviour::Inference | Behaviour::Loading => {
            "serve --model /models/llama-3.1-8b --port 8000 --api-key 0123456789abcdef"
        }
        Behaviour::QuietServer => "serve --host 0.0.0.0 --port 11434",
        Behaviour::Notebook => "-m ipykernel_launcher -f /root/.local/share/jupyter/kernel.json",
        Behaviour::Media => "-hwaccel cuda -i /media/film.mkv -c:v hevc_nvenc -f mpegts pipe:1",
        Behaviour::Desktop => "",
    };
    mask(format!("{} {arguments}", tenant.name).trim()).into_owned()
}
